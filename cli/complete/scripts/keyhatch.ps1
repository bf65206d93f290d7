Register-ArgumentCompleter -Native -CommandName keyhatch -ScriptBlock {
    param($word, $line, $cursor)
    $words = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
    # An empty argument is lost on its way to a program before PowerShell 7.3.
    $asked = if ($word) { @('complete', '--') + $words } else { @('complete', '--next', '--') + $words }
    & $line.CommandElements[0].Extent.Text @asked 2>$null | ForEach-Object {
        $answer, $help = $_ -split "`t", 2
        [System.Management.Automation.CompletionResult]::new($answer, $answer, 'ParameterValue', $(if ($help) { $help } else { $answer }))
    }
}
