import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { proofClient } from '../../../../test/clients/verifier/proofs.ts'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { createCheckBound } from '../bound-tokens.ts'
import { VerificationError, type VerificationErrorOptions, type VerificationReason } from '../errors.ts'
import { presentedIn } from '../same-request.ts'
import type { Demands } from '../wanted.ts'
import { createAskServer } from './ask-server.ts'
import { createBudget } from './budget.ts'
import { createVerifyOnline } from './verify-online.ts'

const nowS = Math.floor(Date.now() / 1_000)
const AUDIENCE = 'https://api.cargo.example'
const claims: AccessTokenClaims = {
  ...GOOD_CLAIMS,
  epoch: [1, 1],
  iss: 'https://alpha.example',
  aud: [AUDIENCE],
  iat: nowS,
  nbf: nowS,
  exp: nowS + 60,
}
const trust = { issuer: claims.iss, audience: AUDIENCE, effective_scope: 'orders:list orders:read' }
const yes = { valid: true, claims: { jti: claims.jti, sub: claims.sub, iss: claims.iss }, trust }

function refuse(reason: VerificationReason, options: VerificationErrorOptions = {}): never {
  throw new VerificationError(reason, options)
}

const settings = { skewS: 10, replays: createReplayMemory() }

const client = proofClient()
/** The claims of a token that is bound to the key of this client. */
const about = { ...claims, cnf: { jkt: client.key.kid } }
const prove = (by = client) => ({
  proof: by.prove({ url: AUDIENCE, token: 'token' }),
  method: 'GET',
  url: AUDIENCE,
})

/** What is verified, where it differs from a genuine token without demands. */
interface Question extends Partial<Demands> {
  readonly isGenuine?: boolean
  readonly isUnknown?: boolean
  readonly about?: AccessTokenClaims
}

const newBudgets = () => ({ genuine: createBudget(200, 400), others: createBudget(10, 40) })

/** Verifies by a server that gives this answer. */
function online(answer: object | (() => Response), checkBound = createCheckBound(settings)) {
  const asked: { readonly url: string; readonly body: unknown }[] = []
  const fetch = async (url: string, init?: RequestInit) => {
    asked.push({ url, body: await new Request(url, init).json() })
    return typeof answer === 'function' ? answer() : Response.json(answer)
  }
  let olds = 0
  const verifier = createVerifyOnline({
    settings,
    checkBound,
    ask: createAskServer(fetch, async () => 'https://beta.example/v1/verify'),
    isClosed: () => false,
    onOldCopies: () => {
      olds += 1
    },
  })
  const counted: string[] = []
  const budgets = newBudgets()
  const verify = (
    { isGenuine = true, isUnknown = true, about = claims, ...wanted }: Question = {},
    questions = budgets,
  ) =>
    verifier.verify({
      text: 'token',
      claims: about,
      wanted: { audience: [AUDIENCE], scope: [], dpop: undefined, ...wanted },
      isGenuine,
      isUnknown,
      questions,
      refuse,
      counts: { add: (outcome) => void counted.push(outcome) },
    })
  return { verify, asked, counted, verifier, olds: () => olds }
}

describe('a question to the own deployment', () => {
  it('names the issuer and the audience, and the answer says which scopes the token has here', async () => {
    const { verify, asked, counted, olds, verifier } = online(yes)
    expect(await verify({ scope: ['orders:read'] })).toEqual({ ...claims, effectiveScope: 'orders:list orders:read' })
    const body = { token: 'token', issuers: [claims.iss], audience: [AUDIENCE] }
    expect(asked).toEqual([{ url: 'https://beta.example/v1/verify', body }])
    expect([counted, olds(), verifier.questions]).toEqual([['VALID'], 1, 1])
  })

  it('does not make the copies old when they know what allows the token', async () => {
    const { verify, olds } = online(yes)
    await verify({ isUnknown: false })
    expect(olds()).toBe(0)
  })

  it('gives the verdict of the server, and keeps no answer', async () => {
    const { verify, asked, olds } = online({ valid: false, reason: 'TRUST_NOT_FOUND' })
    for (const _ of [1, 2]) await expect(verify()).rejects.toMatchObject({ reason: 'TRUST_NOT_FOUND' })
    expect([asked.length, olds()]).toEqual([2, 0])
  })

  it('refuses a token without a demanded scope', async () => {
    await expect(online(yes).verify({ scope: ['orders:write'] })).rejects.toMatchObject({ reason: 'SCOPE_MISSING' })
  })

  it.each([
    ['about another token', { ...yes, claims: { ...yes.claims, jti: 'other' } }],
    ['about another agent', { ...yes, claims: { ...yes.claims, sub: 'other' } }],
    ["with another issuer's claims", { ...yes, claims: { ...yes.claims, iss: 'https://gamma.example' } }],
    ['by trust in another issuer', { ...yes, trust: { ...trust, issuer: 'https://gamma.example' } }],
    ['by trust in our own issuer', { ...yes, trust: { ...trust, issuer: 'https://beta.example' } }],
    ['at another audience', { ...yes, trust: { ...trust, audience: 'https://api.dock.example' } }],
    ['without trust', { ...yes, trust: undefined }],
    ['with scopes that are none', { ...yes, trust: { ...trust, effective_scope: '*' } }],
    ['with an unknown reason', { valid: false, reason: 'MAYBE' }],
    ['that is too large', () => new Response(`{"valid":true,"x":"${'x'.repeat(70_000)}"}`)],
    ['that is an error', () => new Response('{}', { status: 500 })],
  ])('is a temporary refusal if the answer is one %s', async (_, answer) => {
    await expect(online(answer).verify()).rejects.toMatchObject({ reason: 'REVOCATIONS_STALE', isTemporary: true })
  })

  it('is asked 40 times at once about tokens that anybody can make, and then 10 times a second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { verify, asked } = online({ valid: false, reason: 'ISSUER_NOT_TRUSTED' })
    const outcomes = async (count: number) => {
      const all = await Promise.allSettled(Array.from({ length: count }, () => verify({ isGenuine: false })))
      return all.map((each) => (each.status === 'rejected' ? each.reason.reason : 'VALID'))
    }
    const first = await outcomes(50)
    expect(first.filter((reason) => reason === 'ISSUER_NOT_TRUSTED')).toHaveLength(40)
    expect(first.filter((reason) => reason === 'REVOCATIONS_STALE')).toHaveLength(10)
    vi.advanceTimersByTime(1_000)
    expect((await outcomes(20)).filter((reason) => reason === 'ISSUER_NOT_TRUSTED')).toHaveLength(10)
    // Questions about genuine tokens do not wait for the others.
    await expect(verify()).rejects.toMatchObject({ reason: 'ISSUER_NOT_TRUSTED' })
    expect(asked).toHaveLength(51)
    // Nor do questions about another issuer.
    await expect(verify({ isGenuine: false })).rejects.toMatchObject({ reason: 'REVOCATIONS_STALE' })
    await expect(verify({ isGenuine: false }, newBudgets())).rejects.toMatchObject({ reason: 'ISSUER_NOT_TRUSTED' })
  })
})

/** As {@link online}, with a replay memory of its own. */
function onlineWithReplays(answer: object) {
  const replays = createReplayMemory()
  return { replays, ...online(answer, createCheckBound({ skewS: 10, replays })) }
}

describe('a token that is bound to a key', () => {
  it('uses up its proof when the server says yes', async () => {
    const { verify, replays, asked } = onlineWithReplays(yes)
    const dpop = prove()
    expect(await verify({ about, dpop })).toMatchObject({ jti: claims.jti })
    expect(replays.size).toBe(1)
    await expect(verify({ about, dpop })).rejects.toMatchObject({ reason: 'PROOF_REPLAYED' })
    expect(asked).toHaveLength(2)
  })

  it('leaves no proof behind if the server says no, because anybody can make such tokens', async () => {
    const { verify, replays } = onlineWithReplays({ valid: false, reason: 'ISSUER_NOT_TRUSTED' })
    for (let time = 0; time < 50; time += 1) {
      await expect(verify({ about, dpop: prove(), isGenuine: false })).rejects.toThrow(VerificationError)
    }
    expect(replays.size).toBe(0)
  })

  it.each([
    ['without a proof', undefined, 'PROOF_REQUIRED'],
    ['with a proof of another key', prove(proofClient()), 'PROOF_INVALID'],
  ])('is not asked about %s', async (_, dpop, reason) => {
    const { verify, asked } = onlineWithReplays(yes)
    await expect(verify({ about, dpop })).rejects.toMatchObject({ reason })
    expect(asked).toEqual([])
  })
})

describe('guards that protect one request', () => {
  it('share a yes for 5 seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { verify, asked } = online(yes, () => undefined)
    const request = {}
    for (const _ of [1, 2]) await verify({ scope: ['orders:read'], about, dpop: presentedIn(request, prove()) })
    vi.advanceTimersByTime(4_999)
    await verify({ about, dpop: presentedIn(request, prove()) })
    expect(asked).toHaveLength(1)
    vi.advanceTimersByTime(1)
    await verify({ about, dpop: presentedIn(request, prove()) })
    expect(asked).toHaveLength(2)
  })

  it.each([
    ['another request', AUDIENCE, {}],
    ['another audience', 'https://www.cargo.example', undefined],
  ])('never use a yes for %s', async (_, audience, other) => {
    const { verify, asked } = online(yes, () => undefined)
    const request = {}
    await verify({ about, dpop: presentedIn(request, prove()) })
    await verify({ about, dpop: presentedIn(other ?? request, prove()), audience: [audience] }).catch(() => undefined)
    expect(asked).toHaveLength(2)
  })
})
