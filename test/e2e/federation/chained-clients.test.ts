import { createPrivateKey } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { type Agent, Auth4AgentError, createAgent } from '@auth4agent/sdk'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { state, takeBack } from '../../support/federation/statements.ts'
import { keysOf, newAgentParty } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { AUDIENCE, type ChainedWorld, ORDERS, signerOf, startChainedWorld } from './chained-world.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

let world: ChainedWorld
let chainsTo: string

beforeAll(async () => {
  world = await startChainedWorld()
})
afterAll(() => world?.stop())

const newAgent = (otherDeployments: true | string[] | undefined): Agent => {
  const { alpha, party, route } = world
  const own = { server: alpha.issuer, did: party.did, key: signerOf(party), scopes: ['read'], fetch: route }
  return createAgent({ ...own, otherDeployments })
}

/** Signs a proof for the API by the key of the agent. */
function proofFor(accessToken: string): Promise<string> {
  return signDpopProof(signerOf(world.party), { url: ORDERS, nowS: Date.now() / 1_000, method: 'GET', accessToken })
}

const switchCargo = async (how: 'suspend' | 'reinstate') => {
  const { beta, cargo } = world
  const path = `/v1/operators/${cargo.id}/${how}`
  expectStatus(
    200,
    await beta.client.signed('POST', path, how === 'suspend' ? { reason: 'maintenance' } : {}, beta.admin),
  )
}

/** The bytes before the seed of a private key in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Reads the key file of the command line tool: base64 of a seed and a public key. */
async function keysIn(file: string) {
  const seed = Buffer.from(await readFile(file, 'utf8'), 'base64').subarray(0, 32)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return keysOf(key.export({ format: 'pem', type: 'pkcs8' }).toString())
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Auth4AgentError ? { reason: error.reason, message: error.message } : error),
  )

describe('agent.fetch to an API of another deployment', () => {
  it('1. asks its own server first, and nothing of the other one without its consent', async () => {
    const refusal = await refusalOf(newAgent(true).fetch(ORDERS))
    expect(refusal).toMatchObject({
      reason: 'AUDIENCE_NOT_ALLOWED',
      message: `The agent's operator must sign a chains-to statement for ${world.beta.issuer}`,
    })
    expect(world.sent.filter(({ url }) => url.startsWith(world.beta.issuer))).toEqual([])
    const there = { id: '', domain: '', home: world.beta }
    const grants = [{ audience: '', scopes: { read: ['read'] } }]
    chainsTo = await state(world.acme, there, { kind: 'chains-to', aud: [world.alpha.issuer], grants })
  })

  it('2. says which deployment refused, and what is missing there', async () => {
    expect(await refusalOf(newAgent(true).fetch(ORDERS))).toMatchObject({
      reason: 'GRANT_NOT_ACCEPTED',
      message: expect.stringMatching(new RegExp(`^At ${world.beta.issuer}: .* no statement here names the operator`)),
    })
    const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
    await state(world.cargo, world.acme, { kind: 'lets-call', aud: [world.beta.issuer], grants })
    await until(
      () => refusalOf(newAgent(true).issuedFor(AUDIENCE)),
      (refusal) => refusal === undefined,
    )
  })

  it('3. gets a token of the other deployment, and keeps it', async () => {
    world.sent = []
    const agent = newAgent(true)
    for (let time = 0; time < 3; time += 1) expect(await (await agent.fetch(ORDERS)).json()).toEqual({ orders: 1 })
    const redeemed = world.sent.filter(({ body }) => body.includes(encodeURIComponent(JWT_BEARER)))
    expect(redeemed).toHaveLength(1)
    const own = new URLSearchParams(world.sent.find(({ body }) => body.includes('subject_token='))?.body).get(
      'subject_token',
    )
    // No token of A leaves A.
    const leaked = world.sent.filter(({ url, body, authorization }) => {
      return !url.startsWith(world.alpha.issuer) && `${body} ${authorization}`.includes(own ?? '')
    })
    expect(leaked).toEqual([])
    agent.close()
  })

  it('4. gets a new token when the API refuses the kept one', async () => {
    const agent = newAgent([world.beta.issuer])
    const { token, scope, audience } = await agent.issuedFor(AUDIENCE)
    expect([scope, audience]).toEqual(['orders:read', [AUDIENCE]])
    expectStatus(200, await world.beta.client.revokeToken(token))
    expect((await agent.fetch(ORDERS, { method: 'POST', body: '{}' })).status).toBe(200)
    expect((await agent.issuedFor(AUDIENCE)).token).not.toBe(token)
    agent.close()
  })

  it('5. refuses a deployment that is not in its list, and without the option sends what it always sent', async () => {
    const agent = newAgent(['https://other.example'])
    world.sent = []
    expect(await refusalOf(agent.fetch(ORDERS))).toMatchObject({ reason: 'DEPLOYMENT_NOT_ALLOWED' })
    expect(world.sent.map(({ url }) => new URL(url).origin)).not.toContain(world.beta.issuer)
    expect((await newAgent(undefined).fetch(ORDERS)).status).toBe(401)
  })
})

describe('auth4agent token issue --for', () => {
  it('6. gets a token of the deployment to which the API belongs', async () => {
    const home = await mkdtemp(join(tmpdir(), 'a4a-abroad-'))
    onTestFinished(() => rm(home, { recursive: true }))
    const tool = (...args: readonly string[]) => runCli(args, { home, fetch: world.route })
    const { stdout: did } = await tool('init', '--domain', world.acme.domain, '--server', world.alpha.issuer, '--quiet')
    const other = newAgentParty(world.acme.domain, await keysIn(join(home, '.auth4agents/keys/agent.key')))
    expect(other.did).toBe(did.trim())
    expectStatus(201, await world.alpha.client.registerAgent(world.acme.id, other))
    expectStatus(200, await world.alpha.client.setScopes(world.acme.id, other.did, ['read'], world.acme))
    const issued = await tool('token', 'issue', '--for', ORDERS, '--scope', 'read', '--json')
    expect(JSON.parse(issued.stdout)).toMatchObject({ token_type: 'DPoP' })
    expect(await tool('token', 'issue', '--for', ORDERS, '--aud', AUDIENCE, '--scope', 'read')).toMatchObject({
      code: 2,
    })
    expect(await tool('token', 'issue', '--scope', 'read')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--for'),
    })
    const refused = await tool('token', 'issue', '--for', ORDERS, '--scope', 'other')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('SCOPE_NOT_ALLOWED') })
  })
})

it('7. the token ends when the operator of the agent takes its statement back, or the owner is suspended', async () => {
  const agent = newAgent(true)
  const { token } = await agent.issuedFor(AUDIENCE)
  const verdict = async (text: string) => {
    const dpop_proof = await proofFor(text)
    const wanted = { audience: [AUDIENCE], dpop_proof, http_method: 'GET', http_url: ORDERS }
    const { valid, reason } = expectStatus(200, await world.beta.client.post('/v1/verify', { token: text, ...wanted }))
    return valid === true ? 'VALID' : String(reason)
  }
  expect(await verdict(token)).toBe('VALID')
  await switchCargo('suspend')
  expect(await verdict(token)).toBe('TRUST_ENDED')
  await switchCargo('reinstate')
  const { token: later } = await agent.issuedFor(AUDIENCE)
  await takeBack(world.acme, chainsTo)
  await until(
    () => verdict(later),
    (found) => found === 'TRUST_ENDED',
  )
  expect(await refusalOf(newAgent(true).issuedFor(AUDIENCE))).toMatchObject({ reason: 'AUDIENCE_NOT_ALLOWED' })
  agent.close()
})
