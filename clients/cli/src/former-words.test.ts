import { describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'
import { commands, nouns } from './commands.ts'
import { findCommand } from './find-command.ts'
import { parseFlags } from './parse.ts'

/** Words of version 1 and of earlier builds, and the words of today. People's scripts contain the former. */
const renamed: readonly (readonly [string, string])[] = [
  ['set-server', 'context set'],
  ['health', 'server status'],
  ['jwks', 'server show-jwks'],
  ['register operator', 'operator register'],
  ['verify-operator instructions', 'operator show-proof'],
  ['verify-operator confirm', 'operator confirm'],
  ['verify-operator status', 'operator status'],
  ['operator id', 'operator show-id'],
  ['operator release', 'operator release-domain'],
  ['proxy', 'operator proxy'],
  ['operator keys list', 'operator-key list'],
  ['operator keys request', 'operator-key request'],
  ['operator keys add', 'operator-key add'],
  ['operator keys update', 'operator-key update'],
  ['operator keys remove', 'operator-key remove'],
  ['operator keys threshold', 'operator-key set-threshold'],
  ['operator keys rotate-root', 'operator-key rotate-root'],
  ['operator approve', 'request approve'],
  ['operator send', 'request send'],
  ['policy get', 'policy show'],
  ['operator token', 'assertion create'],
  ['audit', 'audit list'],
  ['stream subject add', 'stream add-subject'],
  ['stream subject remove', 'stream remove-subject'],
  ['trust admissions', 'trust list-admissions'],
  ['trust graph', 'trust show-graph'],
  ['agents list', 'agent list'],
  ['register agent', 'agent register'],
  ['enrol', 'agent enrol'],
  ['agents approve', 'agent approve'],
  ['agents update', 'agent update'],
  ['revoke suspend', 'agent suspend'],
  ['revoke reactivate', 'agent reactivate'],
  ['revoke agent', 'agent revoke'],
  ['revoke list', 'agent list-revoked'],
  ['agent-key move', 'agent move'],
  ['agents release', 'agent release'],
  ['agents object-to-move', 'agent object-to-move'],
  ['agents admit', 'agent admit'],
  ['agent-key finish-move', 'agent finish-move'],
  ['agents export', 'agent export-bundle'],
  ['agents verify-bundle', 'agent verify-bundle'],
  ['agent-key deactivate', 'agent deactivate'],
  ['api-proxy', 'agent proxy'],
  ['agent-key events', 'agent-key list-events'],
  ['agent-key verify', 'agent-key verify-events'],
  ['agent-key object', 'agent-key object-to-recovery'],
  ['agent-scopes set', 'scope set'],
  ['agent-scopes list', 'scope list'],
  ['attestor join-token', 'attestor create-join-token'],
  ['attestor join-tokens', 'attestor list-join-tokens'],
  ['rules set', 'enrolment-rule set'],
  ['rules list', 'enrolment-rule list'],
  ['rules test', 'enrolment-rule test'],
  ['rules delete', 'enrolment-rule delete'],
  ['requirements set', 'requirement set'],
  ['requirements list', 'requirement list'],
  ['requirements delete', 'requirement delete'],
  ['issue', 'token issue'],
  ['verify', 'token verify'],
  ['introspect', 'token introspect'],
  ['exec', 'token exec'],
  ['revoke token', 'token revoke'],
  ['dpop-proof', 'dpop-proof create'],
  ['delegate', 'grant create'],
  ['act-for-user', 'id-jag exchange'],
  ['watch', 'revocation watch'],
  ['keys list', 'signing-key list'],
  ['keys rotate', 'signing-key rotate'],
  ['keys compromise', 'signing-key mark-compromised'],
  ['keys import', 'signing-key import'],
  ['issuers add', 'issuer add'],
  ['issuers list', 'issuer list'],
  ['issuers show', 'issuer show'],
  ['issuers disable', 'issuer disable'],
  ['issuers enable', 'issuer enable'],
  ['issuers readmit-key', 'issuer readmit-key'],
  ['issuers discover', 'issuer discover'],
  ['issuers candidates', 'issuer list-candidates'],
  ['issuers subjects add', 'issuer add-subject'],
  ['issuers subjects list', 'issuer list-subjects'],
  ['issuers subjects remove', 'issuer remove-subject'],
  ['issuers anchors add', 'trust-anchor add'],
  ['issuers anchors list', 'trust-anchor list'],
  ['issuers anchors remove', 'trust-anchor remove'],
  ['issuers subordinates add', 'subordinate add'],
  ['issuers subordinates list', 'subordinate list'],
  ['issuers subordinates remove', 'subordinate remove'],
]
/** Nouns of today that were commands. They had no arguments. */
const bare = new Set(['audit', 'dpop-proof'])

describe('the words of commands', () => {
  it('are a noun and a verb, or one word for the few commands without a noun', () => {
    const single = commands.filter(({ words }) => !words.includes(' ')).map(({ words }) => words)
    expect(single).toEqual(['init', 'demo', 'whoami', 'doctor', 'completion', 'version'])
    for (const { noun, commands: own } of nouns) {
      // What the administrator does for the deployment may name a part of it.
      const part = noun === 'admin' ? '([a-z]+ )?' : ''
      for (const { words } of own) expect(words).toMatch(new RegExp(`^${noun} ${part}[a-z]+(-[a-z]+)*$`))
    }
  })

  it('name each command once, also those of earlier versions', () => {
    const all = commands.flatMap(({ words, former = [] }) => [words, ...former])
    expect(new Set(all).size).toBe(all.length)
  })
})

it('each former word of the table of commands is in this test', () => {
  const known = commands.flatMap(({ words, former = [] }) => former.map((old) => [old, words] as const))
  expect(Object.fromEntries(known)).toEqual(Object.fromEntries(renamed))
})

describe.each(renamed)('the former words %s', (old, words) => {
  it(`run ${words}, with the words that follow`, () => {
    const rest = bare.has(old) ? [] : ['more']
    expect(findCommand([...old.split(' '), ...rest])).toMatchObject({ kind: 'command', entry: { words }, rest })
  })

  it(`end as ${words} does`, async () => {
    // An unknown flag and a missing configuration both lead through the command that was found.
    for (const args of [['--nothing'], ['--server', 'http://localhost:1'], ['--help']]) {
      const [former, now] = [await runCli([...old.split(' '), ...args]), await runCli([...words.split(' '), ...args])]
      if (args[0] === '--help' && bare.has(old)) expect(former.stdout).toContain(words)
      else expect(former).toEqual(now)
    }
  })

  it('are in no help and in no completion', async () => {
    const [first = ''] = old.split(' ')
    const shown = new RegExp(`^  ${old} {2,}`, 'm')
    if (!bare.has(old)) expect((await runCli(['--help'])).stdout).not.toMatch(shown)
    expect((await runCli([first, '--help'])).stdout).not.toMatch(shown)
  })
})

/** A command, a flag of it, and the names that the flag had before. */
const renamedFlags: readonly (readonly [string, string, readonly string[]])[] = [
  ['context set', 'server', ['url']],
  ['agent move', 'to-domain', ['to']],
  ['agent move', 'to-operator', ['operator-id']],
  ['agent release', 'new-did', ['to']],
  ['agent finish-move', 'new-did', ['to']],
  ['agent deactivate', 'confirm-name', ['yes']],
  ['operator release-domain', 'confirm-name', ['yes']],
  ['agent-key recover', 'recovery', ['event']],
  ['attestor add', 'setting', ['set']],
  ['requirement set', 'for-agent', ['agent']],
  ['requirement set', 'demand-at', ['at']],
  ['policy set', 'dpop-rule', ['dpop']],
  ['trust offer', 'map-scope', ['scope']],
  ['grant create', 'ttl', ['expires']],
  ['grant create', 'max-delegation-depth', ['depth']],
  ['grant create', 'holder-domain', ['domain']],
  ['grant explain', 'dpop-proof', ['proof']],
  ['grant revoke', 'as-operator', ['operator']],
  ['issuer add', 'token-alg', ['alg']],
  ['issuer add', 'subject-domain', ['domain']],
  ['issuer add-subject', 'operator-id', ['operator']],
  ['subordinate add', 'entity-type', ['type']],
  ['token issue', 'scope', ['scopes']],
  ['agent suspend', 'agent', ['did', 'agent-id', 'id']],
]

describe.each(renamedFlags)('the flag of %s that is now --%s', (words, name, former) => {
  it(`also has the names ${former.join(', ')}, which the help does not show`, async () => {
    const command = await commands.find((one) => one.words === words)?.load()
    const flag = command?.flags[name]
    expect(flag?.aliases).toEqual(former)
    const value = flag?.kind === 'boolean' ? [] : [flag?.choices?.[0] ?? 'x']
    const { stdout } = await runCli([...words.split(' '), '--help'])
    for (const each of former) {
      const parsed = parseFlags([`--${each}`, ...value], command?.flags ?? {})
      expect([...parsed.values]).toEqual([[name, value.length === 0 ? ['true'] : value]])
      expect(stdout).not.toMatch(new RegExp(`^  --${each} `, 'm'))
    }
  })
})
