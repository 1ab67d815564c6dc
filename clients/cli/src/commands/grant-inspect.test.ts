import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../../../test/support/cli.ts'
import { CHAIN_TIME_MS, type ChainServer, chainServer } from '../../../../test/support/delegation/chain-server.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  details,
  type GrantChange,
  holderDid,
  holderKey,
  idOf,
  PAY,
  READ,
} from '../../../../test/support/grant-chains.ts'
import { identityKey } from '../../../../test/support/key-events.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-grants-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Given {
  readonly server?: ChainServer | undefined
  readonly atMs?: number
}

/** Runs `grant inspect` or `grant explain` with a chain in a file. Without a server, no server is configured. */
async function grant(
  command: string,
  chain: string,
  flags: readonly string[] = [],
  given: Given = {},
): Promise<CliResult> {
  const file = join(folder, 'chain.txt')
  await writeFile(file, `${chain}\n`)
  const { server, atMs = CHAIN_TIME_MS } = given
  const at = server === undefined ? [] : ['--server', CHAIN_ISSUER]
  const options = { home: folder, now: () => atMs, ...(server && { fetch: server.fetch }) }
  return runCli(['grant', command, file, ...at, ...flags], options)
}

const jsonOf = ({ stdout }: CliResult): Record<string, unknown> => JSON.parse(stdout)
const claims = (changed: object): GrantChange => ({ claims: { ...changed } })
const tools = (changed: object): GrantChange => claims({ authorization_details: details(changed) })
const range = (max: number) => ({ constraint_type: 'range', max })
const STRANGER = identityKey('a stranger')

describe('grant inspect', () => {
  it('shows who gave what to whom, what became narrower, and the state of each grant', async () => {
    const chain = chainOf(1, { 1: tools({ [PAY]: { amount: range(100) } }) })
    const { code, stdout } = await grant('inspect', chain, [], { server: chainServer() })
    const [first, second] = [holderDid(holderKey(0)), holderDid(holderKey(1))]
    const [rootId, childId] = chain.split('~').map(idOf)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'chain of grants',
        '',
        'state: valid',
        '',
        `issuer: ${CHAIN_ISSUER}`,
        'grants: 2',
        "issuer's signatures: checked",
        'revocation: checked',
        '',
        `GRANT  HOLDER${' '.repeat(first.length - 6)}  EXPIRES               STATE`,
        `0      ${first}  2026-09-21T15:13:20Z  valid`,
        `1      ${second}  2026-09-21T15:12:20Z  valid`,
        '',
        `grant 0, by the issuer to ${first}`,
        `  ${READ} with any arguments`,
        `  ${PAY} with amount: at most 500`,
        '  may be handed on 8 times, to agents of acme.test',
        `  id ${rootId}`,
        '  jti grant-0, its subject in the audit of the operator',
        '',
        `grant 1, by ${first} to ${second}, is narrower than grant 0`,
        `  without ${READ}`,
        `  ${PAY}: amount must be at most 100, not only at most 500`,
        '  expires 60 s earlier',
        `  id ${childId}`,
        '',
      ].join('\n'),
    })
  })

  it('asks the server about revocations, and names the grant that was revoked', async () => {
    const server = chainServer({ reason: 'TOKEN_REVOKED', hop: 1 })
    const result = await grant('inspect', chainOf(2), ['--json'], { server })
    expect(result.code).toBe(1)
    expect(jsonOf(result)).toMatchObject({
      valid: false,
      reason: 'TOKEN_REVOKED',
      hop: 1,
      revocation: 'checked',
      grants: [{ state: 'valid' }, { state: 'TOKEN_REVOKED' }, { state: 'ends with grant 1' }],
    })
    expect(server.verified).toEqual([{ token: chainOf(2), delegation: 'inspect' }])
  })

  it('asks nobody with --offline, and says that it has not', async () => {
    const chain = chainOf(1, { 0: { signer: STRANGER } })
    const { code, stdout } = await grant('inspect', chain, ['--offline'], { server: undefined })
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('no server was asked') })
    expect((await grant('inspect', chain, ['--quiet'], { server: chainServer() })).stdout).toBe('SIGNATURE_INVALID\n')
  })

  it('shows the genuine grants above a refused one, and does not ask about revocation', async () => {
    const server = chainServer()
    const result = await grant('inspect', chainOf(2, { 1: { signer: STRANGER } }), ['--json'], { server })
    expect(jsonOf(result)).toMatchObject({ reason: 'NOT_BY_HOLDER', hop: 1, size: 3, revocation: 'not checked' })
    expect(jsonOf(result).grants).toHaveLength(1)
    expect(server.verified).toEqual([])
  })

  it('lets no text of a grant control the terminal', async () => {
    const chain = chainOf(0, { 0: tools({ [PAY]: { '\u001b[2J': { constraint_type: 'exact', value: '\u001b[2J' } } }) })
    const { stdout } = await grant('inspect', chain, ['--offline'])
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('exactly')
  })

  it.each([
    ['an empty file', ' '],
    ['a file that is far too long', 'x'.repeat(70_000)],
  ])('refuses %s', async (_name, text) => {
    expect(await grant('inspect', text)).toMatchObject({ code: 2, stderr: expect.stringContaining('chain of grants') })
  })
})
