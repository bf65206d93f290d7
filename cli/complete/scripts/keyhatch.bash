_keyhatch() {
  # bash breaks words at = and : too. The program is asked with words as they were
  # typed, and bash gets what follows the part of the word that it has broken off.
  local program=${COMP_WORDS[0]/#\~\//"$HOME"/} left=${COMP_LINE:0:COMP_POINT}
  local part words=() i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    if ((i == 0)) || [[ $left == [[:space:]]* ]]; then
      left=${left#"${left%%[![:space:]]*}"}
      words+=("")
    fi
    part=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then
      part=$left
    fi
    words[${#words[@]} - 1]+=$part
    left=${left#*"$part"}
  done
  local word=${words[${#words[@]} - 1]}
  local broken=${word%"$part"}
  if [[ $part =~ ^[=:]+$ ]]; then
    broken=$word
  fi
  local answers answer help
  COMPREPLY=()
  answers=$("$program" complete -- "${words[@]:1}" 2>/dev/null) || return
  # Where the program knows what may stand, no file may. bash 3 cannot be told.
  compopt +o default 2>/dev/null
  while IFS=$'\t' read -r answer help; do
    if [[ $answer ]]; then
      COMPREPLY+=("${answer#"$broken"}")
    fi
  done <<<"$answers"
}
complete -o default -F _keyhatch keyhatch
