import { beforeAll, describe, expect, it } from 'vitest'
import { commands } from './commands.ts'
import { suppliedFlags } from './common-flags.ts'
import { type Flag, globalFlags } from './flags.ts'
import { shared } from './shared-flags.ts'

/** A flag of one command. */
interface Use {
  readonly words: string
  readonly flag: Flag
}

/** The only flags whose kind, placeholder or meaning differs between commands, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  capability: 'a grant has several; an explanation is about the one that a call needs',
  evidence: 'an attestor judges one piece; rules judge several',
  operator: 'init creates an operator; token verify wants one as the issuer of the agent',
  status: 'users have other statuses than agents',
}

const uses = new Map<string, Use[]>()

beforeAll(async () => {
  for (const entry of commands) {
    for (const [name, flag] of Object.entries((await entry.load()).flags)) {
      uses.set(name, [...(uses.get(name) ?? []), { words: entry.words, flag }])
    }
  }
})

/** Returns each kind, placeholder and meaning of a flag, with the commands that use it. */
function meaningsOf(name: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { words, flag } of uses.get(name) ?? []) {
    const meaning = JSON.stringify([flag.kind, flag.value, flag.help])
    found.set(meaning, [...(found.get(meaning) ?? []), words])
  }
  return found
}

describe('flags of the table of commands', () => {
  it('have one kind, one placeholder and one meaning in all commands, except the few that this test lists', () => {
    const different = [...uses.keys()].filter((name) => meaningsOf(name).size > 1)
    const told = Object.fromEntries(different.map((name) => [name, Object.fromEntries(meaningsOf(name))]))
    expect(Object.keys(DIFFERENT), JSON.stringify(told, undefined, 2)).toEqual(
      different.toSorted((a, b) => a.localeCompare(b)),
    )
  })

  it('have one definition if several commands use them', () => {
    const defined: Readonly<Record<string, Flag>> = { ...shared, ...suppliedFlags }
    for (const [name, flag] of Object.entries(defined)) {
      for (const use of uses.get(name) ?? []) {
        const { kind, value, help } = use.flag
        expect({ kind, value, help }, `--${name} of ${use.words}`).toEqual({
          kind: flag.kind,
          value: flag.value,
          help: flag.help,
        })
      }
    }
  })

  it('are in the list of shared flags only while several commands use them, or one with a former name', () => {
    for (const name of Object.keys(shared)) expect(uses.get(name)?.length ?? 0, name).toBeGreaterThan(1)
  })

  it('have former names that no other flag of the command has', () => {
    for (const [name, all] of uses) {
      for (const { words, flag } of all) {
        for (const alias of flag.aliases ?? []) {
          const names = [...uses.entries()].filter(([, some]) => some.some((use) => use.words === words))
          expect(
            [...names.map(([each]) => each), ...Object.keys(globalFlags)],
            `--${alias} of ${words}, for --${name}`,
          ).not.toContain(alias)
        }
      }
    }
  })
})
