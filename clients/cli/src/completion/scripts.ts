import type { Place } from './model.ts'

/** Writes the completion of a shell from the places of a command line. */
export type ScriptWriter = (places: readonly Place[]) => string

/** Flags that may stand before the command's own words and take one. */
const BEFORE = '--config'

const namesThat = ({ flags }: Place, takes: string) =>
  flags.filter((flag) => flag.takes === takes).map(({ name }) => name)

/** For bash 3.2 and newer, which macOS has. */
const bash: ScriptWriter = (places) => `# Completion of auth4agent for bash.
_auth4agent() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at="" word index
  local next="" flags="" values="" files="" IFS=$' \\t\\n'
  COMPREPLY=()
  if [ "$prev" = "=" ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [ "$cur" = "=" ]; then cur=""; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      ${BEFORE}) index=$((index + 1)) ;;
      -*) ;;
      *) case "$at$word" in ${patterns(places)}) at="$at$word " ;; esac ;;
    esac
  done
  case "$at" in
${places.map(bashPlace).join('\n')}
  esac
  case " $files " in *" $prev "*)
    compopt -o filenames 2>/dev/null
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$cur"))
    return ;;
  esac
  case " $values " in *" $prev "*) return ;; esac
  case "$cur" in -*) next="$flags" ;; esac
  COMPREPLY=($(compgen -W "$next" -- "$cur"))
}
complete -F _auth4agent auth4agent
`

function bashPlace(place: Place): string {
  const lists = {
    next: place.words.map(({ word }) => word),
    flags: place.flags.map(({ name }) => name),
    values: namesThat(place, 'value'),
    files: namesThat(place, 'file'),
  }
  const assigned = Object.entries(lists).map(([name, list]) => `${name}=${quoted(list.join(' '))}`)
  return `    ${quoted(typed(place))}) ${assigned.join(' ')} ;;`
}

/** For zsh, by its completion system. */
const zsh: ScriptWriter = (places) => `#compdef auth4agent
# Completion of auth4agent for zsh.
_auth4agent() {
  local at="" word index prev="\${words[CURRENT-1]}"
  local -a next flags values files
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
    case "$word" in
      (${BEFORE}) index=$((index + 1)) ;;
      (-*) ;;
      (*) case "$at$word" in (${patterns(places)}) at="$at$word " ;; esac ;;
    esac
  done
  case "$at" in
${places.map(zshPlace).join('\n')}
  esac
  if ((\${files[(Ie)$prev]})); then
    _files
  elif ((\${values[(Ie)$prev]})); then
    _message value
  elif [[ "$PREFIX" == -* ]]; then
    _describe -o flag flags
  else
    _describe command next
  fi
}
if [ "\${funcstack[1]}" = _auth4agent ]; then _auth4agent "$@"; else compdef _auth4agent auth4agent; fi
`

function zshPlace(place: Place): string {
  const described = (name: string, help: string) => quoted(`${name.replaceAll(':', '\\:')}:${help}`)
  const lists = {
    next: place.words.map(({ word, help }) => described(word, help)),
    flags: place.flags.map(({ name, help }) => described(name, help)),
    values: namesThat(place, 'value').map(quoted),
    files: namesThat(place, 'file').map(quoted),
  }
  const assigned = Object.entries(lists).map(([name, list]) => `${name}=(${list.join(' ')})`)
  return `    (${quoted(typed(place))}) ${assigned.join('; ')} ;;`
}

/** For fish 3 and newer. */
const fish: ScriptWriter = (places) => `# Completion of auth4agent for fish.
function __auth4agent_at
    set -l at ''
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${BEFORE}
                set skip yes
            case '-*'
            case '*'
                if contains -- "$at$word" ${beginningsOf(places).map(fishQuoted).join(' ')}
                    set at "$at$word "
                end
        end
    end
    test "$at" = "$argv[1]"
end
complete -c auth4agent -f
${places.flatMap(fishPlace).join('\n')}
`

function fishPlace(place: Place): string[] {
  const line = `complete -c auth4agent -n ${fishQuoted(`__auth4agent_at ${fishQuoted(typed(place))}`)}`
  const options = { nothing: '', file: ' -r -F', value: ' -x' }
  return [
    ...place.words.map(({ word, help }) => `${line} -a ${fishQuoted(word)} -d ${fishQuoted(help)}`),
    ...place.flags.map(
      ({ name, takes, help }) => `${line} -l ${name.slice(2)}${options[takes]} -d ${fishQuoted(help)}`,
    ),
  ]
}

/** The scripts by the name of their shell. */
export const completionScripts = { bash, zsh, fish } as const satisfies Readonly<Record<string, ScriptWriter>>

/** What the scripts keep of a place: its words, each with a space behind it. */
function typed({ at }: Place): string {
  return at === '' ? '' : `${at} `
}

function beginningsOf(places: readonly Place[]): readonly string[] {
  return places.flatMap(({ at }) => (at === '' ? [] : [at]))
}

function patterns(places: readonly Place[]): string {
  return beginningsOf(places).map(quoted).join('|')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}
