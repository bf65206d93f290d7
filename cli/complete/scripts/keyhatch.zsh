#compdef keyhatch
_keyhatch() {
  local text
  local -a answers
  text=$(${~words[1]} complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)IPREFIX}${(Q)PREFIX}" 2>/dev/null) || {
    [[ $PREFIX == -*=* ]] && compset -P '*='
    _files
    return
  }
  [[ -n $text ]] || return 1
  answers=("${(@f)text}")
  answers=("${(@)answers//:/\\:}")
  answers=("${(@)answers/$'\t'/:}")
  answers=("${(@)answers%:}") # those without help
  _describe keyhatch answers
}
compdef _keyhatch keyhatch
