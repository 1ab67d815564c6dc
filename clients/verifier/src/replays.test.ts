import { createReplayMemory, type ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import { present } from '@auth4agent/core/platform/moment'
import { describe, expect, it } from 'vitest'
import { boundClient, presented } from '../../../test/clients/verifier/proofs.ts'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { handFeed } from '../../../test/support/hand-feed.ts'
import { fakeIssuer, outcomeOf, VERIFY } from '../../../test/support/offline-verifier.ts'
import { createCheckBound } from './bound-tokens.ts'
import type { VerifierOptions } from './verifier-options.ts'

const NOW_S = Math.floor(Date.now() / 1_000)

function setUp(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const client = boundClient(issuer.key)
  const verifier = issuer.newVerifier(options)
  const token = client.newToken()
  return { issuer, client, verifier, token }
}

describe('a replay store', () => {
  const never = new Promise<boolean>(() => undefined)
  const broken: Readonly<Record<string, ReplayStore['use']>> = {
    'that throws': () => {
      throw new Error('no connection')
    },
    'that rejects': () => Promise.reject(new Error('no connection')),
    'that answers OK': () => 'OK' as never,
    'that resolves with undefined': async () => undefined as never,
    'that resolves with 1': async () => 1 as never,
  }

  it.each(Object.entries(broken))('%s makes the verifier refuse with a temporary reason', async (_name, use) => {
    const { client, verifier, token } = setUp({ replays: { use } })
    await expect(verifier.verify(token, { dpop: presented(client, token) })).rejects.toMatchObject({
      reason: 'PROOFS_UNAVAILABLE',
      isTemporary: true,
      cause: expect.any(Error),
    })
    expect(verifier.metrics().verifications).toEqual({ PROOFS_UNAVAILABLE: 1 })
  })

  it('that does not answer in time refuses the proof', async () => {
    const { client, token } = setUp()
    const check = createCheckBound({ skewS: 10, replays: { use: () => never }, timeoutMs: 5 })
    const claims = { ...GOOD_CLAIMS, epoch: [1, 2] as const, cnf: { jkt: client.key.kid } }
    expect(await check(token, claims, presented(client, token), present())).toMatchObject({
      reason: 'PROOFS_UNAVAILABLE',
      cause: { name: 'TimeoutError' },
    })
  })

  it('in memory that is full refuses new proofs, and still refuses used ones as replays', async () => {
    const { client, verifier, token } = setUp({ replays: createReplayMemory({ capacity: 1 }) })
    const first = presented(client, token)
    expect(await outcomeOf(verifier, token, { dpop: first })).toBe('VALID')
    expect(await outcomeOf(verifier, token, { dpop: presented(client, token) })).toBe('PROOFS_UNAVAILABLE')
    expect(await outcomeOf(verifier, token, { dpop: first })).toBe('PROOF_REPLAYED')
  })

  it('of two verifiers refuses in one of them a proof that the other has accepted', async () => {
    const used = createReplayMemory()
    const replays = { use: async (id: string, expiresAtS: number) => used.use(id, expiresAtS) }
    const { issuer, client, verifier, token } = setUp({ replays })
    const dpop = presented(client, token)
    expect(await outcomeOf(verifier, token, { dpop })).toBe('VALID')
    expect(await outcomeOf(issuer.newVerifier({ replays }), token, { dpop })).toBe('PROOF_REPLAYED')
    expect(await outcomeOf(issuer.newVerifier(), token, { dpop })).toBe('VALID')
    expect(verifier.metrics().rememberedProofs).toBeUndefined()
  })

  it('is asked last, and records no proof of a request that is refused for another reason', async () => {
    const asked: string[] = []
    const replays: ReplayStore = {
      use(id, expiresAtS) {
        expect(expiresAtS).toBeGreaterThan(NOW_S + 60)
        asked.push(id)
        return true
      },
    }
    const { issuer, client, verifier, token } = setUp({ replays })
    const expired = client.newToken({ iat: NOW_S - 900, nbf: NOW_S - 900, exp: NOW_S - 60 })
    const stranger = boundClient(issuer.key)
    const outcomes = [
      await outcomeOf(verifier, expired, { dpop: presented(client, expired) }),
      await outcomeOf(verifier, token, { dpop: presented(client, token), scope: 'admin' }),
      await outcomeOf(verifier, token, { dpop: presented(client, token), audience: 'https://c.example' }),
      await outcomeOf(verifier, token, { dpop: presented(stranger, token) }),
      await outcomeOf(verifier, `${token.slice(0, -8)}AAAAAAAA`, { dpop: presented(client, token) }),
    ]
    expect(outcomes).toEqual([
      'TOKEN_EXPIRED',
      'SCOPE_MISSING',
      'AUDIENCE_MISMATCH',
      'PROOF_INVALID',
      'SIGNATURE_INVALID',
    ])
    expect(asked).toEqual([])
    expect(await outcomeOf(verifier, token, { dpop: presented(client, token) })).toBe('VALID')
    expect(asked).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
  })

  it('that answers late does not make a closed verifier accept a token', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
    const use = () => {
      onAsked()
      return promise
    }
    const { client, verifier, token } = setUp({ replays: { use } })
    const outcome = outcomeOf(verifier, token, { dpop: presented(client, token) })
    await asked
    verifier.close()
    resolve(true)
    expect(await outcome).toBe('VERIFIER_CLOSED')
  })
})

const ASKED_CLAIMS = { jti: 'this-one', sub: GOOD_CLAIMS.sub }

function setUpStale(answer: object) {
  const bodies: unknown[] = []
  const issuer = fakeIssuer()
  const fetch = async (url: string, init?: RequestInit) => {
    const path = new URL(url).pathname
    if (path === VERIFY && typeof init?.body === 'string') bodies.push(JSON.parse(init.body))
    return Response.json(path === VERIFY ? answer : issuer.answers[path])
  }
  const client = boundClient(issuer.key)
  const verifier = issuer.newVerifier({ revocations: handFeed().feed, onStale: 'ask', fetch })
  return { bodies, client, verifier, token: client.newToken({ jti: 'this-one' }) }
}

describe("a verifier with stale revocations and onStale: 'ask'", () => {
  it('sends proof, method and URL to the issuer, but not the query of the URL', async () => {
    const { bodies, client, verifier, token } = setUpStale({ valid: true, claims: ASKED_CLAIMS })
    const { proof, url } = presented(client, token)
    const dpop = { proof, method: 'GET', url: `${url}?secret=1` }
    expect(await outcomeOf(verifier, token, { dpop, scope: 'read' })).toBe('VALID')
    const place = { dpop_proof: proof, http_method: 'GET', http_url: url }
    expect(bodies).toEqual([{ token, audience: GOOD_CLAIMS.aud, scope: 'read', ...place }])
  })

  it('refuses a proof that the issuer has seen at another process', async () => {
    const { client, verifier, token } = setUpStale({ valid: false, reason: 'PROOF_REPLAYED' })
    expect(await outcomeOf(verifier, token, { dpop: presented(client, token) })).toBe('PROOF_REPLAYED')
  })

  it('does not ask the issuer about a token that lacks a valid proof', async () => {
    const { bodies, client, verifier, token } = setUpStale({ valid: true, claims: ASKED_CLAIMS })
    const dpop = presented(client, token)
    expect(await outcomeOf(verifier, token)).toBe('PROOF_REQUIRED')
    expect(await outcomeOf(verifier, token, { dpop: { ...dpop, method: 'POST' } })).toBe('PROOF_INVALID')
    expect(await outcomeOf(verifier, token, { dpop })).toBe('VALID')
    expect(await outcomeOf(verifier, token, { dpop })).toBe('PROOF_REPLAYED')
    expect(bodies).toHaveLength(1)
  })
})
