import { importTokenVerifier, type TokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/token-signatures.json' with { type: 'json' }

const ALGORITHMS: Readonly<Record<string, string>> = { EC: 'ES256', RSA: 'RS256' }
const verifiers = new Map<string, TokenVerifier | undefined>(
  Object.entries(vectors.keys).map(([name, jwk]) => [name, importTokenVerifier(ALGORITHMS[jwk.kty] ?? '', jwk)]),
)

describe('ES256 and RS256 verification', () => {
  it('is tested with all vectors of Wycheproof, and imports every key of them', () => {
    expect(vectors.cases).toHaveLength(vectors.count)
    expect(vectors.count).toBeGreaterThanOrEqual(42)
    expect([...verifiers.values()].every((verifier) => verifier !== undefined)).toBe(true)
  })

  it.each(vectors.cases)('finds the signature of $id $expect: $why', ({ key, msg, sig, expect: verdict }) => {
    const holds = verifiers.get(key)?.verify(Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
    expect(holds ? 'valid' : 'invalid').toBe(verdict)
  })
})
