import { describe, expect, it } from 'vitest'
import { commands } from './commands.ts'
import { findCommand } from './find-command.ts'
import { globalFlags } from './flags.ts'
import { checkCommandLine, parseFlags } from './parse.ts'
import { splitArguments } from './split-arguments.ts'

/** Returns the words of the auth4agent command in a shell line, without pipes and redirections. */
function wordsOf(line: string): string[] {
  const [own = ''] = line.slice(line.indexOf('auth4agent ')).split(/ [|<>]|\)"|\)$/)
  return [...own.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].slice(1).map(([, a, b, c]) => a ?? b ?? c ?? '')
}

describe.each(commands.map((entry) => [entry.words, entry] as const))('%s', (words, entry) => {
  it('has examples that all parse as this command', async () => {
    const command = await entry.load()
    expect(command.examples.length).toBeGreaterThan(0)
    for (const { line } of command.examples) {
      const { words: path, flags } = splitArguments(wordsOf(line))
      const found = findCommand(path)
      if (found.kind !== 'command') throw new Error(`no command: ${line}`)
      expect(found.entry.words).toBe(words)
      const parsed = parseFlags(flags, { ...command.flags, ...globalFlags })
      checkCommandLine({ ...parsed, positionals: [...found.rest, ...parsed.positionals] }, command, words)
    }
  })

  it('has flags with a help text, with a value name unless they are boolean, and without the name of a global flag', async () => {
    const { flags } = await entry.load()
    for (const [name, { kind, value, help }] of Object.entries(flags)) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(Object.keys(globalFlags)).not.toContain(name)
      expect(value === undefined).toBe(kind === 'boolean')
      expect(help).not.toBe('')
    }
  })
})
