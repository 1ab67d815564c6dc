import type { JsonWebKey } from 'node:crypto'
import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { importSigningKey } from '@auth4agent/core/keys/ed25519'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { createVerifier } from '@auth4agent/verifier'
import { create } from '@bufbuild/protobuf'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { VerifyTokenRequestSchema } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { type VerifyTokenDeps, verifyToken } from '../../../services/authn/verify-token.ts'
import { NO_KEYS } from '../../support/access-tokens.ts'
import { NO_OWNERS, noChaining, noForeign } from '../../support/no-foreign.ts'
import { JWKS, outcomeOf } from '../../support/offline-verifier.ts'
import { isRefused, type Pieces, type Refused, readVectors, unfold, type Vector } from '../support/read-vectors.ts'
import { ABOUT_OTHER_ISSUERS } from './about-other-issuers.ts'

interface ProofRequest {
  readonly method: string
  readonly url: string
  readonly now: number
  readonly access_token: string | null
}

interface Accepted {
  readonly jkt: string
  readonly id: string
  readonly expires_at: number
  readonly nonce?: string
}

interface Sent {
  readonly access_token: string
  readonly proof?: string
  readonly method: string
  readonly url: string
  readonly expect: string
}

type Case = Vector<
  { proof?: string; proof_pieces?: Pieces<string>; request?: Partial<ProofRequest> },
  Accepted | Refused
>

const file = readVectors('dpop-proofs.json') as {
  issuer: string
  clock_skew: number
  private_keys: { jkt: string; jwk: { d: string } }[]
  request: ProofRequest
  good: { header: object; claims: { jti: string; iat: number } }
  urls: Vector<{ url: string }, { htu: string } | Refused>[]
  cases: Case[]
  sequences: { name: string; now: number; requests: Sent[] }[]
}
const tokens = readVectors('tokens.json') as { jwks: { keys: JsonWebKey[] }; cases: Vector<object, string>[] }

const textOf = ({ proof = '', proof_pieces = [proof] }: Case) => unfold(proof_pieces).join('')
const requestOf = ({ request }: Case): ProofRequest => ({ ...file.request, ...request })

/** Returns what the checker of proofs reads, in the form in which a vector expects it. */
function judge(vector: Case): Accepted | Refused {
  const { method, url, now, access_token } = requestOf(vector)
  const rules = { method, url, nowS: now, skewS: file.clock_skew }
  const checked = checkDpopProof(textOf(vector), {
    ...rules,
    ...(access_token !== null && { accessToken: access_token }),
  })
  if (!checked.ok) return { refused: 'PROOF_INVALID' }
  const { jkt, id, expiresAtS, nonce } = checked
  return { jkt, id, expires_at: expiresAtS, ...(nonce !== undefined && { nonce }) }
}

describe('dpop-proofs.json', () => {
  it.each(file.urls)('the URL of a request: $name', ({ url, expect: expected }) => {
    const htu = normalizeHtu(url)
    expect(htu === undefined ? { refused: 'url' } : { htu }).toEqual(expected)
  })

  it.each(file.cases)('the checker of proofs reads: $name', (vector) => {
    expect(judge(vector)).toEqual(vector.expect)
  })

  const accepted = file.cases.filter(({ expect: expected }) => !isRefused(expected))
  it.each(accepted)('jose accepts the signature and finds the same thumbprint: $name', async (vector) => {
    const text = textOf(vector)
    const currentDate = new Date(requestOf(vector).now * 1_000)
    await jwtVerify(text, EmbeddedJWK, { typ: 'dpop+jwt', currentDate, clockTolerance: file.clock_skew })
    const { jwk = {} } = decodeProtectedHeader(text)
    expect(await calculateJwkThumbprint(jwk)).toBe((vector.expect as Accepted).jkt)
  })

  it.each(file.sequences)('the server answers: $name', async ({ now, requests }) => {
    const keys = importKeySet(tokens.jwks)
    const find = async (kid: string) => keys?.get(kid)
    const deps: VerifyTokenDeps = {
      issuer: file.issuer,
      verifyForeign: noForeign,
      operators: NO_OWNERS,
      chaining: noChaining,
      now: () => now * 1_000,
      settings: { skewS: file.clock_skew },
      replays: createReplayMemory({ nowS: () => now }),
      genuineTokens: (text) => verifyAccessToken(text, file.issuer, { find, findNow: find }),
      genuineDelegated: createGenuineDelegated(createGenuineChains({ issuer: file.issuer, keys: NO_KEYS }), {
        issuer: file.issuer,
        keys: { find, findNow: find },
      }),
      tokenStatus: { check: async () => undefined, checkAll: async () => undefined },
    }
    const answers: string[] = []
    for (const { access_token: token, proof, method, url } of requests) {
      const sent = proof === undefined ? {} : { dpopProof: proof, httpMethod: method, httpUrl: url }
      const answer = await verifyToken(deps, create(VerifyTokenRequestSchema, { token, ...sent }))
      answers.push(answer.valid ? 'VALID' : answer.reason)
    }
    expect(answers).toEqual(requests.map(({ expect: verdict }) => verdict))
  })

  it.each(file.sequences)('the offline verifier answers: $name', async ({ now, requests }) => {
    vi.useFakeTimers({ toFake: ['Date'], now: now * 1_000 })
    onTestFinished(() => void vi.useRealTimers())
    const verifier = createVerifier({
      issuer: file.issuer,
      audience: 'https://api.example.com',
      operators: 'any',
      clockSkew: file.clock_skew,
      revocations: 'none',
      fetch: async (url) => Response.json(new URL(url).pathname === JWKS ? tokens.jwks : { issuer: file.issuer }),
    })
    onTestFinished(() => verifier.close())
    const answers: string[] = []
    for (const { access_token: token, proof, method, url } of requests) {
      answers.push(await outcomeOf(verifier, token, proof === undefined ? {} : { dpop: { proof, method, url } }))
    }
    expect(answers).toEqual(requests.map(({ expect: verdict }) => verdict))
  })

  it('signDpopProof writes the good proof, except for its jti', async () => {
    const key = importSigningKey(Buffer.from(file.private_keys[0]?.jwk.d ?? '', 'base64url'))
    if (key === undefined) throw new Error('The seed of the first key must have 32 bytes')
    const signer = { publicKey: key.publicKey, sign: async (message: Uint8Array) => key.sign(message) }
    const { method, url, now, access_token } = file.request
    const content = { method, url, nowS: now, accessToken: access_token ?? '' }
    const text = await signDpopProof(signer, content)
    expect(decodeProtectedHeader(text)).toEqual(file.good.header)
    expect({ ...decodeJwt(text), jti: file.good.claims.jti }).toEqual(file.good.claims)
  })

  it('has, together with tokens.json, a case for each verdict about an access token', () => {
    const bySequences = file.sequences.flatMap(({ requests }) => requests.map(({ expect: verdict }) => verdict))
    const expected = new Set([...bySequences, ...tokens.cases.map(({ expect: verdict }) => verdict)])
    const others = new Set<string>([...ABOUT_OTHER_ISSUERS, 'ACTOR_NOT_TRUSTED'])
    const aboutTokens = Object.keys(verdicts).filter((verdict) => !others.has(verdict))
    expect([...expected].toSorted()).toEqual(['VALID', ...aboutTokens].toSorted())
  })
})
