import { createPublicKey, verify as cryptoVerify, type JsonWebKey } from 'node:crypto'
import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { createVerifier, type RevocationFeed } from '@auth4agent/verifier'
import { create } from '@bufbuild/protobuf'
import { verifyAsync } from '@noble/ed25519'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { nobleEd25519 } from '../../../clients/sdk/src/keys/platform.ts'
import { systemRuntime } from '../../../clients/sdk/src/runtime.ts'
import type { Server } from '../../../clients/sdk/src/server.ts'
import { createJwksVerifier } from '../../../clients/sdk/src/verify-by-jwks.ts'
import { VerifyTokenRequestSchema } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { type VerifyTokenDeps, verifyToken } from '../../../services/authn/verify-token.ts'
import { NO_KEYS } from '../../support/access-tokens.ts'
import { handLog } from '../../support/hand-feed.ts'
import { NO_OWNERS, noChaining, noForeign } from '../../support/no-foreign.ts'
import { DISCOVERY, JWKS, outcomeOf, VERIFY } from '../../support/offline-verifier.ts'
import { type Pieces, readVectors, unfold, type Vector } from '../support/read-vectors.ts'

interface Revocation {
  readonly kind: string
  readonly operator_id: string
  readonly subject: string
  readonly minimum_epoch: number
}

/** A demanded result of attestation, as in POST /v1/verify. */
interface Demand {
  readonly types?: string[]
  readonly attestors?: string[]
  readonly level?: 'bearer' | 'bound' | 'hardware'
  readonly max_age?: number
}

interface VerifierInputs {
  readonly issuer: string
  readonly now: number
  readonly clock_skew: number
  readonly audience: string[]
  readonly operators: string[] | 'any'
  readonly scope: string
  readonly attestation: Demand | null
  readonly revocations: Revocation[]
}

type Case = Vector<{ token?: string; token_pieces?: Pieces<string>; verifier?: Partial<VerifierInputs> }, string>

const file = readVectors('tokens.json') as {
  jwks: { keys: JsonWebKey[] }
  verifier: VerifierInputs
  cases: Case[]
}

const tokenOf = ({ token, token_pieces }: Case): string =>
  token_pieces === undefined ? (token ?? file.cases[0]?.token ?? '') : unfold(token_pieces).join('')
const inputsOf = ({ verifier }: Case): VerifierInputs => ({ ...file.verifier, ...verifier })
const endingOf = ({ kind, operator_id, subject, minimum_epoch }: Revocation) => ({
  kind,
  operatorId: operator_id,
  subject,
  minimumEpoch: minimum_epoch,
})

describe('tokens.json', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it.each(file.cases)('the offline verifier answers $expect: $name', async (vector) => {
    const inputs = inputsOf(vector)
    vi.setSystemTime(inputs.now * 1000)
    const verifier = createVerifier({
      issuer: inputs.issuer,
      audience: inputs.audience,
      operators: inputs.operators,
      clockSkew: inputs.clock_skew,
      revocations: feedOf(inputs.revocations),
      fetch: async (url) => {
        const { pathname } = new URL(url)
        // The issuer is asked about tokens with `home`, and says that they have not ended.
        if (pathname === VERIFY) return Response.json({ valid: true, claims: payloadOf(vector) })
        const answers: Record<string, object> = { [DISCOVERY]: { issuer: inputs.issuer }, [JWKS]: file.jwks }
        return Response.json(answers[pathname])
      },
    })
    onTestFinished(() => verifier.close())
    await verifier.ready()
    const { max_age: maxAge, ...demand } = inputs.attestation ?? {}
    const attestation = { ...demand, ...(maxAge !== undefined && { maxAge }) }
    const wanted = {
      ...(inputs.scope !== '' && { scope: inputs.scope }),
      ...(inputs.attestation !== null && { attestation }),
    }
    expect(await outcomeOf(verifier, tokenOf(vector), wanted)).toBe(vector.expect)
  })

  it.each(file.cases)('the server answers $expect: $name', async (vector) => {
    const { issuer, now, clock_skew, audience, operators, scope, attestation, revocations } = inputsOf(vector)
    const published = importKeySet(file.jwks)
    const state = createRevocationState()
    const find = async (kid: string) => (state.hasKeyEnded(kid) ? undefined : published?.get(kid))
    for (const [index, revocation] of revocations.entries()) state.apply({ ...endingOf(revocation), sequence: index })
    const deps: VerifyTokenDeps = {
      issuer,
      verifyForeign: noForeign,
      operators: NO_OWNERS,
      // The vectors are about the deployment's own log.
      chaining: { ...noChaining, checkHome: async () => undefined },
      now: () => now * 1000,
      settings: { skewS: clock_skew },
      replays: createReplayMemory(),
      genuineTokens: (text: string) => verifyAccessToken(text, issuer, { find, findNow: find }),
      genuineDelegated: createGenuineDelegated(createGenuineChains({ issuer: issuer, keys: NO_KEYS }), {
        issuer: issuer,
        keys: { find, findNow: find },
      }),
      tokenStatus: { check: async (token) => state.lookup(token), checkAll: async () => undefined },
    }
    const request = create(VerifyTokenRequestSchema, {
      token: tokenOf(vector),
      audience,
      operators: operators === 'any' ? [] : operators,
      ...(scope !== '' && { scope }),
      ...(attestation !== null && { attestation: { ...attestation, maxAge: attestation.max_age ?? 0 } }),
    })
    const verification = await verifyToken(deps, request)
    expect(verification.valid ? 'VALID' : verification.reason).toBe(vector.expect)
  })

  const ofSdk = file.cases.filter((vector) => {
    const { revocations, attestation } = inputsOf(vector)
    return revocations.length === 0 && attestation === null
  })
  it.each(ofSdk)('the SDK answers $expect: $name', async (vector) => {
    const { issuer, now, audience, operators, scope } = inputsOf(vector)
    const server: Server = {
      issuer,
      nowMs: () => now * 1000,
      transport: async () => file.jwks,
      discover: async () => ({ issuer, defaultTtlS: undefined }),
    }
    const runtime = { ...systemRuntime, wallMs: () => now * 1000 }
    const verification = await createJwksVerifier(server, runtime)(tokenOf(vector), {
      audience,
      ...(operators !== 'any' && { operators }),
      ...(scope !== '' && { scopes: scope.split(' ') }),
    })
    expect(verification.valid ? 'VALID' : verification.reason).toBe(vector.expect)
  })

  const genuine = file.cases.filter(({ expect: verdict, verifier }) => verdict === 'VALID' && verifier === undefined)
  it.each(genuine)('node:crypto accepts the signature: $name', (vector) => {
    const [header = '', payload = '', signature = ''] = tokenOf(vector).split('.')
    const { kid, alg }: { kid: string; alg: string } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const jwk = file.jwks.keys.find((key) => key['kid'] === kid) ?? {}
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const hash = alg === 'ES256' || alg === 'RS256' ? 'sha256' : null
    const options = alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : key
    const holds = cryptoVerify(hash, Buffer.from(`${header}.${payload}`), options, Buffer.from(signature, 'base64url'))
    expect(holds).toBe(true)
  })

  const forged = file.cases.filter(({ name }) => name.startsWith('EdDSA: R '))
  it.each(forged)(
    'a verifier with the cofactor would accept the signature, and the SDK does not: $name',
    async (vector) => {
      const [header = '', payload = '', signature = ''] = tokenOf(vector).split('.')
      const x = Buffer.from(String(file.jwks.keys[0]?.['x']), 'base64url')
      const signed = Buffer.from(`${header}.${payload}`)
      expect(await verifyAsync(Buffer.from(signature, 'base64url'), signed, x, { zip215: true })).toBe(true)
      expect(await nobleEd25519.verify(x, signed, Buffer.from(signature, 'base64url'))).toBe(false)
    },
  )
})

/** Returns a log that contains these revocations and does not change. */
function payloadOf(vector: Case): object {
  return JSON.parse(Buffer.from(tokenOf(vector).split('.')[1] ?? '', 'base64url').toString())
}

function feedOf(revocations: readonly Revocation[]): RevocationFeed {
  return {
    async *open(_from, signal) {
      const log = handLog()
      for (const revocation of revocations) yield log.append(endingOf(revocation))
      yield log.head()
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
}
