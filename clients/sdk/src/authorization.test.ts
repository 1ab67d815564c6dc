import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../../../test/support/sdk/clock.ts'
import { type FakeIssuer, readProof, startIssuer } from '../../../test/support/sdk/issuer.ts'
import type { Agent, AgentOptions } from './agent.ts'
import { createAgent } from './create-agent.ts'
import { generateKey } from './keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const key = await generateKey()

let issuer: FakeIssuer
let agents: Agent[]

beforeEach(async () => {
  issuer = await startIssuer()
  agents = []
})
afterEach(async () => {
  for (const agent of agents) agent.close()
  await issuer[Symbol.asyncDispose]()
})

function agentOf(options: Partial<AgentOptions> = { dpop: true }): Agent {
  const agent = createAgent({ server: issuer.url, did: DID, key, ...options }, fakeClock())
  agents.push(agent)
  return agent
}

describe('Agent.authorization', () => {
  it('resolves with a bearer token without the option dpop', async () => {
    const agent = agentOf({})
    const token = await agent.token()
    expect(await agent.authorization('GET', 'https://api.example/')).toEqual({ authorization: `Bearer ${token}` })
  })

  it.each([
    ['https://api.example/orders?page=1#top', 'https://api.example/orders'],
    ['https://API.example:443/a b', 'https://api.example/a%20b'],
    ['wss://api.example/events', 'https://api.example/events'],
    ['ws://localhost:9000/events', 'http://localhost:9000/events'],
    ['http://127.0.0.1/', 'http://127.0.0.1/'],
  ])('resolves with a token and a proof for %s', async (url, htu) => {
    const agent = agentOf()
    const { authorization, dpop = '' } = await agent.authorization('GET', new URL(url))
    const accessToken = await agent.token()
    expect(authorization).toBe(`DPoP ${accessToken}`)
    const rules = { method: 'GET', url: htu, nowS: Date.now() / 1000, skewS: 10, accessToken }
    expect(checkDpopProof(dpop, rules)).toMatchObject({ ok: true, nonce: undefined })
    expect(readProof(dpop).claims.htu).toBe(htu)
  })

  it('makes a new proof for each call, with the terms of the call', async () => {
    const agent = agentOf()
    const calls = await Promise.all([1, 2, 3].map(() => agent.authorization('GET', 'https://api.example/')))
    expect(new Set(calls.map(({ dpop = '' }) => readProof(dpop).claims.jti)).size).toBe(3)
    const { authorization } = await agent.authorization('GET', 'https://api.example/', { scopes: ['write'] })
    expect(authorization).toBe(`DPoP ${await agent.token({ scopes: ['write'] })}`)
  })

  it('contains the nonce of the call, and later calls for the same origin contain it too', async () => {
    const agent = agentOf()
    const nonceAt = async (url: string, nonce?: string) =>
      readProof((await agent.authorization('GET', url, { nonce })).dpop ?? '').claims.nonce
    expect(await nonceAt('https://api.example/a', 'n')).toBe('n')
    expect(await nonceAt('https://api.example/b')).toBe('n')
    expect(await nonceAt('wss://api.example/c')).toBe('n')
    expect(await nonceAt('https://other.example/')).toBeUndefined()
    expect(await nonceAt('https://api.example/', 'a b')).toBe('n')
    expect(await nonceAt(`${issuer.url}/v1/token`)).toBeUndefined()
  })

  it("does not send an API the nonce of the server's token endpoint on the same origin", async () => {
    issuer.next('/v1/token', { status: 400, body: { reason: 'DPOP_NONCE_REQUIRED' }, headers: { 'dpop-nonce': 'n' } })
    const { dpop = '' } = await agentOf().authorization('GET', `${issuer.url}/api`)
    expect(readProof(dpop).claims.nonce).toBeUndefined()
  })

  it.each(['http://api.example/', 'ws://api.example/', 'ftp://api.example/', 'api.example'])(
    'rejects with INSECURE_ADDRESS for %s and gets no token',
    async (url) => {
      await expect(agentOf().authorization('GET', url)).rejects.toMatchObject({ reason: 'INSECURE_ADDRESS' })
      expect(issuer.seen).toEqual([])
    },
  )
})
