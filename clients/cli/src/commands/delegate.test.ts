import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readKeyFile } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../../../test/support/cli.ts'
import { CHAIN_ISSUER, PAY, READ } from '../../../../test/support/grant-chains.ts'
import { type GrantServer, grantServer } from '../../../../test/support/sdk/grant-server.ts'

const CONSTRAINT = '{"amount":{"constraint_type":"range","max":100}}'

let home: string
let server: GrantServer
/** The agent of the folder, and another agent of the same operator. */
let own: string
let other: string

const tool = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, { home, fetch: server.fetch, ...options })
const path = (name: string) => join(home, name)

/** The flags for payments up to an amount. */
const upTo = (max: number) => ['--capability', PAY, '--constraint', CONSTRAINT.replace('100', String(max))]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-delegate-'))
  server = grantServer({ wallMs: Date.now })
  own = (await tool(['init', '--domain', 'acme.test', '--server', CHAIN_ISSUER, '--quiet'])).stdout.trim()
  server.know({ did: own, key: await readKeyFile(path('.auth4agents/keys/agent.key')) })
  other = server.agent('B').did
})
afterEach(() => rm(home, { recursive: true }))

describe('grant create', () => {
  it('prints a chain for the other agent', async () => {
    const args = [
      'grant',
      'create',
      other,
      '--capability',
      PAY,
      '--constraint',
      CONSTRAINT,
      '--ttl',
      '10m',
      '--max-delegation-depth',
      '1',
    ]
    const { code, stdout } = await tool([...args, '--json'])
    const { grant, ...told } = JSON.parse(stdout)
    const hops = await server.hopsOf(String(grant))
    const [, leaf] = hops
    expect({ code, ...told }).toEqual({
      code: 0,
      to: other,
      grant_id: leaf?.id,
      expires_at: new Date((leaf?.exp ?? 0) * 1000).toISOString().replace('.000', ''),
      depth: 1,
    })
    expect(hops.map(({ did }) => did)).toEqual([own, other])
    expect(leaf?.capabilities.get(PAY)?.get('amount')).toEqual({
      constraint: { constraint_type: 'range', max: 100 },
      optional: false,
    })
    expect(await server.hopsOf((await tool([...args, '--quiet'])).stdout.trim())).toHaveLength(2)
  })

  it('reads capabilities and a chain from files, writes the new chain to a file, and names its domains', async () => {
    const first = path('first.txt')
    const tools = path('tools.json')
    await writeFile(tools, JSON.stringify({ [READ]: {}, [PAY]: JSON.parse(CONSTRAINT) }))
    const toOwn = [
      'grant',
      'create',
      own,
      '--capabilities',
      tools,
      '--ttl',
      '10m',
      '--max-delegation-depth',
      '1',
      '--output',
      first,
    ]
    expect(await tool(toOwn)).toMatchObject({ code: 0, stdout: expect.stringContaining(`written to ${first}`) })
    const chain = (await readFile(first, 'utf8')).trim()
    expect([...((await server.hopsOf(chain))[1]?.capabilities.keys() ?? [])]).toEqual([READ, PAY])
    const grants = server.count('/v1/grant')
    const args = [
      'grant',
      'create',
      other,
      '--grant',
      first,
      '--capability',
      READ,
      '--ttl',
      '1m',
      '--holder-domain',
      'acme.test',
    ]
    const { stdout } = await tool([...args, '--quiet'])
    expect(stdout.startsWith(`${chain}~`)).toBe(true)
    expect((await server.hopsOf(stdout.trim()))[2]).toMatchObject({ did: other, allowedDomains: ['acme.test'] })
    expect(server.count('/v1/grant')).toBe(grants)
  })

  it('refuses a grant that is wider than its parent, with the rule', async () => {
    const file = path('chain.txt')
    await tool(['grant', 'create', own, ...upTo(100), '--ttl', '10m', '--max-delegation-depth', '1', '--output', file])
    const { code, stderr } = await tool(['grant', 'create', other, '--grant', file, ...upTo(101), '--ttl', '1m'])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('as narrow as the parent') })
  })

  it('refuses a chain that another agent holds', async () => {
    const file = path('chain.txt')
    await tool(['grant', 'create', other, '--capability', READ, '--ttl', '10m', '--output', file])
    const args = ['grant', 'create', other, '--grant', file, '--capability', READ, '--ttl', '1m', '--json']
    const { code, stdout } = await tool(args)
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, error: { reason: 'GRANT_NOT_HELD' } })
  })

  it.each<[string, readonly string[], string]>([
    ['no capability', [], 'Exactly one of --capability and --capabilities'],
    ['both forms', ['--capability', READ, '--capabilities', 'x'], 'Exactly one of'],
    ['a constraint of two capabilities', ['--capability', READ, '--capability', PAY, '--constraint', '{}'], 'with one'],
    [
      'a constraint that is no object',
      ['--capability', READ, '--constraint', '[]'],
      '--constraint must be a JSON object',
    ],
    ['a repeated member', ['--capability', READ, '--constraint', '{"a":{},"a":{}}'], 'no member is repeated'],
    ['an unknown constraint', ['--capability', READ, '--constraint', '{"a":{"constraint_type":"regex"}}'], 'must'],
    ['a capability without scope', ['--capability', 'https://api.acme.test'], 'an audience and one scope-token'],
    [
      'a depth that is no number',
      ['--capability', READ, '--max-delegation-depth', 'two'],
      '--max-delegation-depth must be 0, 1,',
    ],
    ['a depth of 9', ['--capability', READ, '--max-delegation-depth', '9'], '--max-delegation-depth must be 0, 1,'],
    ['a lifetime over an hour', ['--capability', READ, '--ttl', '2h'], 'at most 1h'],
  ])('refuses %s, and sends nothing', async (_name, flags, message) => {
    const expires = flags.includes('--ttl') ? [] : ['--ttl', '1m']
    const result = await tool(['grant', 'create', other, ...flags, ...expires])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
    expect(server.count('/v1/challenge')).toBe(0)
  })
})

/** Delegates to an agent. Resolves with the file of the chain. */
async function chainFor(did: string): Promise<string> {
  const file = path('chain.txt')
  await tool(['grant', 'create', did, '--capability', READ, '--ttl', '10m', '--output', file])
  return file
}

describe('grant revoke', () => {
  it('revokes the last grant as an agent of the chain', async () => {
    const file = await chainFor(other)
    const chain = (await readFile(file, 'utf8')).trim()
    const { code, stdout } = await tool(['grant', 'revoke', file, '--json'])
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, grant_id: (await server.hopsOf(chain))[1]?.id })
    expect(server.seen.at(-1)).toMatchObject({ path: '/oauth/revoke', body: { token: chain, client_id: own } })
  })

  it('sends nothing if the agent is not in the chain, because the server would revoke nothing', async () => {
    const file = await chainFor(other)
    await tool(['init', '--domain', 'acme.test', '--server', CHAIN_ISSUER, '--config', path('second')])
    const { code, stderr } = await tool(['grant', 'revoke', file, '--config', path('second')])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no grant of the chain') })
    expect(server.count('/oauth/revoke')).toBe(0)
  })

  it('revokes as the operator, with the chain or by id', async () => {
    const file = await chainFor(other)
    await tool(['init', '--operator', '--domain', 'acme.test', '--server', CHAIN_ISSUER])
    const as = ['--operator-id', '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b', '--reason', 'leaked']
    expect(await tool(['grant', 'revoke', file, '--as-operator', ...as])).toMatchObject({ code: 0 })
    const chain = (await readFile(file, 'utf8')).trim()
    expect(server.seen.at(-1)).toMatchObject({ path: '/v1/revoke/token', body: { token: chain, reason: 'leaked' } })
    expect(server.seen.at(-1)?.headers.get('authorization')).toMatch(/^Bearer /)
    expect(await tool(['grant', 'revoke', '--id', 'an-id', ...as, '--quiet'])).toMatchObject({ stdout: 'an-id\n' })
    expect(server.seen.at(-1)).toMatchObject({ body: { jti: 'an-id', reason: 'leaked' } })
  })

  it.each<[string, readonly string[], string]>([
    ['neither file nor id', [], 'Exactly one of FILE and --id'],
    ['both', ['x', '--id', 'y'], 'Exactly one of FILE and --id'],
    ['a reason as an agent', ['x', '--reason', 'y'], '--reason must come with --as-operator'],
  ])('refuses %s', async (_name, args, message) => {
    const result = await tool(['grant', 'revoke', ...args])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
