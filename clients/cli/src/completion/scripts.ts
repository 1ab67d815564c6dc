import type { Place } from './model.ts'

/** Writes a shell's completion script for the places of a command line. */
export type ScriptWriter = (places: readonly Place[]) => string

/** Flags with a value that may come before the command's words. */
const BEFORE = ['--config', '--context']
/** Shell command that prints the names of the contexts, one a line. */
const CONTEXTS = 'auth4agent context list --quiet 2>/dev/null'

const namesThat = ({ flags }: Place, takes: string) =>
  flags.filter((flag) => flag.takes === takes).map(({ name }) => name)

/** Returns each flag with known values as `--flag=one,other`. */
const choicesOf = ({ flags }: Place) =>
  flags.flatMap(({ name, choices }) => (choices.length === 0 ? [] : [`${name}=${choices.join(',')}`]))

/** Writes the script for bash 3.2 and newer. macOS has 3.2. */
const bash: ScriptWriter = (places) => `# Completion of auth4agent for bash.
_auth4agent() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at="" word index
  local next="" flags="" values="" files="" contexts="" choices="" word_is="" IFS=$' \\t\\n'
  COMPREPLY=()
  if [ "$prev" = "=" ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [ "$cur" = "=" ]; then cur=""; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      --) COMPREPLY=($(compgen -f -- "$cur")); return ;;
      ${BEFORE.join('|')}) index=$((index + 1)) ;;
      -*) ;;
      *) case "$at$word" in ${patterns(places)}) at="$at$word " ;; esac ;;
    esac
  done
  case "$at" in
${places.map(bashPlace).join('\n')}
  esac
  for word in $choices; do
    case "$word" in "$prev="*)
      word="\${word#*=}"
      COMPREPLY=($(compgen -W "\${word//,/ }" -- "$cur"))
      return ;;
    esac
  done
  case " $files " in *" $prev "*) word_is=file ;; esac
  case " $contexts " in *" $prev "*) word_is=context ;; esac
  case "$word_is$cur" in
    file-*|context-*) ;;
    file*)
      compopt -o filenames 2>/dev/null
      IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$cur"))
      return ;;
    context*)
      COMPREPLY=($(compgen -W "$(${CONTEXTS})" -- "$cur"))
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
    contexts: namesThat(place, 'context'),
    choices: choicesOf(place),
    word_is: place.takes === 'file' || place.takes === 'context' ? [place.takes] : [],
  }
  const assigned = Object.entries(lists).map(([name, list]) => `${name}=${quoted(list.join(' '))}`)
  return `    ${quoted(typed(place))}) ${assigned.join(' ')} ;;`
}

/** Writes the script for the completion system of zsh. */
const zsh: ScriptWriter = (places) => `#compdef auth4agent
# Completion of auth4agent for zsh.
_auth4agent() {
  local at="" word index prev="\${words[CURRENT-1]}"
  local -a next flags values files contexts choices word_is
  for ((index = 2; index < CURRENT; index++)); do
    word="\${words[index]}"
    case "$word" in
      (--) _files; return ;;
      (${BEFORE.join('|')}) index=$((index + 1)) ;;
      (-*) ;;
      (*) case "$at$word" in (${patterns(places)}) at="$at$word " ;; esac ;;
    esac
  done
  case "$at" in
${places.map(zshPlace).join('\n')}
  esac
  for word in $choices; do
    [[ "$word" == "$prev="* ]] || continue
    next=(\${(s:,:)word#*=})
    _describe value next
    return
  done
  if ((\${files[(Ie)$prev]})); then
    _files
  elif ((\${contexts[(Ie)$prev]})); then
    next=(\${(f)"$(${CONTEXTS})"})
    _describe context next
  elif ((\${values[(Ie)$prev]})); then
    _message value
  elif [[ "$PREFIX" == -* ]]; then
    _describe -o flag flags
  elif [[ "$word_is" == file ]]; then
    _files
  elif [[ "$word_is" == context ]]; then
    next=(\${(f)"$(${CONTEXTS})"})
    _describe context next
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
    contexts: namesThat(place, 'context').map(quoted),
    choices: choicesOf(place).map(quoted),
    word_is: place.takes === 'file' || place.takes === 'context' ? [place.takes] : [],
  }
  const assigned = Object.entries(lists).map(([name, list]) => `${name}=(${list.join(' ')})`)
  return `    (${quoted(typed(place))}) ${assigned.join('; ')} ;;`
}

/** Writes the script for fish 3 and newer. */
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
            case --
                return 1
            case ${BEFORE.join(' ')}
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
  const contexts = fishQuoted(`(${CONTEXTS})`)
  const options = { nothing: '', file: ' -r -F', context: ` -x -a ${contexts}`, value: ' -x' }
  const words = { nothing: [], file: [`${line} -F`], context: [`${line} -a ${contexts}`], value: [] }
  return [
    ...place.words.map(({ word, help }) => `${line} -a ${fishQuoted(word)} -d ${fishQuoted(help)}`),
    ...words[place.takes],
    ...place.flags.map(({ name, takes, help, choices }) => {
      const taken = choices.length > 0 ? ` -x -a ${fishQuoted(choices.join(' '))}` : options[takes]
      return `${line} -l ${name.slice(2)}${taken} -d ${fishQuoted(help)}`
    }),
  ]
}

/** The script writers by the name of the shell. */
export const completionScripts = { bash, zsh, fish } as const satisfies Readonly<Record<string, ScriptWriter>>

/** Returns a place's words with a space after each, as the scripts compare them. */
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
