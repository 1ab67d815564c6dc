import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GrantReason, grantRefusals } from '@auth4agent/core/delegation/refusal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../../../test/support/cli.ts'
import { CHAIN_TIME_MS, type ChainServer, chainServer } from '../../../../test/support/delegation/chain-server.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  details,
  type GrantChange,
  grantsOf,
  holderDid,
  holderKey,
  ISSUED,
  idOf,
  PAY,
  READ,
  replacing,
} from '../../../../test/support/grant-chains.ts'
import { identityKey } from '../../../../test/support/key-events.ts'
import { refusalAdvice } from '../grants/refusal-advice.ts'

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

/** A chain that is refused for each reason, and the refused grant. */
const REFUSED: Readonly<
  Record<Exclude<GrantReason, 'ARGUMENT_REFUSED' | 'ARGUMENTS_NEEDED' | 'CAPABILITY_MISSING'>, [number | null, string]>
> = {
  CHAIN_TOO_LARGE: [null, 'a~'.repeat(9)],
  MALFORMED_GRANT: [1, chainOf(1, { 1: { rewrite: replacing('"max":500', '"max":5e2') } })],
  UNSUPPORTED_ALGORITHM: [0, chainOf(1, { 0: { header: { alg: 'EdDSA' } } })],
  RESTRICTION_UNKNOWN: [1, chainOf(1, { 1: claims({ a4a_once: true }) })],
  GRANT_REPEATED: [1, chainOf(1, { 1: claims({ jti: 'grant-0' }) })],
  ROOT_EXPECTED: [0, grantsOf(1)[1] ?? ''],
  WRONG_ISSUER: [0, chainOf(1, { 0: claims({ iss: 'https://auth.example.org' }) })],
  UNKNOWN_KEY: [0, chainOf(1, { 0: { signer: STRANGER, header: { kid: STRANGER.kid } } })],
  SIGNATURE_INVALID: [0, chainOf(1, { 0: { signer: STRANGER } })],
  NOT_BY_HOLDER: [2, chainOf(2, { 2: { signer: STRANGER } })],
  PARENT_MISMATCH: [1, chainOf(1, { 1: claims({ par_hash: 'A'.repeat(43) }) })],
  DEPTH_OUT_OF_SEQUENCE: [1, chainOf(1, { 1: claims({ del_depth: 2 }) })],
  DEPTH_EXCEEDED: [1, chainOf(1, { 0: claims({ del_max_depth: 0 }) })],
  DEPTH_RAISED: [2, chainOf(2, { 1: claims({ del_max_depth: 2 }), 2: claims({ del_max_depth: 3 }) })],
  LIFETIME_EXTENDED: [1, chainOf(1, { 0: claims({ exp: ISSUED + 900 }) })],
  ISSUED_BEFORE_PARENT: [1, chainOf(1, { 1: claims({ iat: ISSUED - 1 }) })],
  GRANT_NOT_YET_VALID: [1, chainOf(1, { 1: claims({ iat: ISSUED + 700 }) })],
  LIFETIME_TOO_LONG: [0, chainOf(1, { 0: claims({ exp: ISSUED + 3601 }) })],
  GRANT_EXPIRED: [1, chainOf(1, { 1: claims({ exp: ISSUED + 500 }) })],
  HOLDER_UNKNOWN: [1, chainOf(1, { 1: { statement: '' } })],
  HOLDER_KEY_MISMATCH: [1, chainOf(1, { 1: { statement: { claims: { cnf: { jkt: STRANGER.kid } } } } })],
  KEY_NOT_ADMITTED: [0, chainOf(1, { 0: claims({ cnf: { jwk: { ...holderKey(0).jwk, d: 'A' } } }) })],
  HOLDER_NOT_ALLOWED: [1, chainOf(1, { 0: claims({ a4a_to: ['b.test'] }), 1: claims({ a4a_to: ['b.test'] }) })],
  HOLDERS_WIDENED: [1, chainOf(1, { 1: claims({ a4a_to: ['acme.test', 'b.test'] }) })],
  CAPABILITY_ADDED: [1, chainOf(1, { 0: tools({ [READ]: {} }), 1: tools({ [PAY]: {} }) })],
  CONSTRAINT_DROPPED: [1, chainOf(1, { 1: tools({ [PAY]: { amount: { ...range(5), optional: true } } }) })],
  ARGUMENT_ADDED: [1, chainOf(1, { 1: tools({ [PAY]: { amount: range(5), note: range(5) } }) })],
  CONSTRAINT_WIDENED: [1, chainOf(1, { 1: tools({ [PAY]: { amount: range(501) } }) })],
  UNKNOWN_CONSTRAINT: [0, chainOf(1, { 0: tools({ [PAY]: { amount: { constraint_type: 'regex' } } }) })],
  MALFORMED_CONSTRAINT: [0, chainOf(1, { 0: tools({ [PAY]: { amount: { constraint_type: 'one_of', values: [] } } }) })],
  UNKNOWN_DETAIL_TYPE: [0, chainOf(1, { 0: claims({ authorization_details: [{ type: 'other', tools: {} }] }) })],
}

describe('grant explain', () => {
  it.each(Object.entries(REFUSED))('names the grant, the rule and what to do for %s', async (reason, [hop, chain]) => {
    const result = await grant('explain', chain, ['--json'], { server: chainServer() })
    expect(result.code).toBe(1)
    expect(jsonOf(result)).toEqual({
      accepted: false,
      reason,
      hop,
      means: grantRefusals[reason as GrantReason],
      rule: expect.stringMatching(/ must /),
      advice: refusalAdvice[reason as GrantReason],
    })
  })

  it.each<[string, readonly string[], string, number | undefined]>([
    ['an allowed call', ['--capability', PAY, '--arguments', '{"amount":500}'], 'accepted', undefined],
    ['an argument beyond its limit', ['--capability', PAY, '--arguments', '{"amount":501}'], 'ARGUMENT_REFUSED', 0],
    ['unknown arguments', ['--capability', PAY], 'ARGUMENTS_NEEDED', 0],
    ['another capability', ['--capability', 'https://pay.acme.test#other'], 'CAPABILITY_MISSING', 0],
    ['a capability of the root only', ['--capability', READ], 'CAPABILITY_MISSING', 1],
  ])('checks %s', async (_name, flags, result, hop) => {
    const chain = chainOf(1, { 1: tools({ [PAY]: { amount: range(500) } }) })
    const { code, stdout } = await grant('explain', chain, [...flags, '--json'], { server: chainServer() })
    expect({ code, ...JSON.parse(stdout) }).toMatchObject(
      hop === undefined ? { code: 0, accepted: true } : { code: 1, reason: result, hop },
    )
  })

  it('writes the refusal for people, with the agents', async () => {
    const { stdout } = await grant('explain', REFUSED.CONSTRAINT_WIDENED[1], [], { server: chainServer() })
    expect(stdout).toBe(
      [
        'refused: CONSTRAINT_WIDENED',
        'grant: 1',
        `given by: ${holderDid(holderKey(0))}`,
        `means: ${grantRefusals.CONSTRAINT_WIDENED}`,
        `rule: in "${PAY}", the constraint of the argument "amount" must be as narrow as the parent's`,
        `advice: ${refusalAdvice.CONSTRAINT_WIDENED}`,
        '',
      ].join('\n'),
    )
  })

  it('says that the server refuses a revoked chain, and that nothing is wrong with another', async () => {
    const revoked = chainServer({ reason: 'AGENT_TOKENS_ENDED', hop: 0 })
    expect((await grant('explain', chainOf(1), [], { server: revoked })).stdout).toContain(
      'refused: AGENT_TOKENS_ENDED\ngrant: 0',
    )
    expect((await grant('explain', chainOf(1), [], { server: chainServer() })).stdout).toContain(
      'accepted: nothing is wrong',
    )
  })

  it.each([
    ['--arguments without --capability', ['--arguments', '{}'], '--arguments must come with --capability'],
    ['a capability without a scope', ['--capability', 'https://pay.acme.test'], 'must be an audience and a scope'],
    ['arguments that are no object', ['--capability', PAY, '--arguments', '[]'], 'must be a JSON object'],
  ])('refuses %s', async (_name, flags, message) => {
    expect(await grant('explain', chainOf(0), flags)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    })
  })
})
