import { type Command, type CommandEntry, defineCommand } from '../command.ts'
import { completionPlaces } from '../completion/model.ts'
import { completionScripts } from '../completion/scripts.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const satisfies readonly (keyof typeof completionScripts)[]

/** Makes the command `completion`, which prints a completion script for these commands and their flags. */
export const createCompletion = (commands: readonly CommandEntry[]): Command =>
  defineCommand({
    help: ['Prints a script with which your shell completes commands, flags and their values.'],
    examples: [
      { does: 'bash, in ~/.bashrc', line: 'eval "$(auth4agent completion bash)"' },
      { does: 'zsh, in ~/.zshrc after compinit', line: 'source <(auth4agent completion zsh)' },
      { does: 'fish', line: 'auth4agent completion fish > ~/.config/fish/completions/auth4agent.fish' },
    ],
    arguments: [{ name: 'SHELL', help: 'bash, zsh or fish', required: true, choices: SHELLS }],
    flags: {},
    folder: 'unused',
    async run({ arguments: [given], answer }) {
      const shell = SHELLS.find((name) => name === given) ?? 'bash'
      const script = completionScripts[shell](await completionPlaces(commands))
      answer({ shell, script }, script.trimEnd(), script.trimEnd())
    },
  })
