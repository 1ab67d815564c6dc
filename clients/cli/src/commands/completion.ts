import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { commands } from '../commands.ts'
import { completionPlaces } from '../completion/model.ts'
import { completionScripts } from '../completion/scripts.ts'

/** Writes what a shell needs to complete the tool's commands and flags. */
export const completion = defineCommand({
  help: ['Writes a script for the shell that completes commands and flags, made of the same table as this help.'],
  examples: [
    { does: 'bash, in ~/.bashrc', line: 'eval "$(auth4agent completion bash)"' },
    { does: 'zsh, in ~/.zshrc after compinit', line: 'source <(auth4agent completion zsh)' },
    { does: 'fish', line: 'auth4agent completion fish > ~/.config/fish/completions/auth4agent.fish' },
  ],
  arguments: [{ name: 'bash|zsh|fish', help: 'the shell', required: true }],
  flags: {},
  async run({ arguments: [shell = ''], answer }) {
    if (!isShell(shell)) throw usageError('no completion for that shell', 'There is one for bash, zsh and fish.')
    const script = completionScripts[shell](await completionPlaces(commands))
    answer({ shell, script }, script.trimEnd())
  },
})

function isShell(name: string): name is keyof typeof completionScripts {
  return Object.hasOwn(completionScripts, name)
}
