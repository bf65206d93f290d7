function __keyhatch
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r '^~(?=/)' -- $HOME $words[1])
    set -l answers ($program complete -- $words[2..-1] "$word" 2>/dev/null)
    if test $status -ne 0
        set -l flag (string match -r '^-[^=]*=' -- "$word")
        string replace -r '^' -- "$flag" (complete -C "'' "(string replace -r '^-[^=]*=' '' -- "$word"))
    else if set -q answers[1]
        printf '%s\n' $answers
    end
end
complete -c keyhatch -f -a '(__keyhatch)'
