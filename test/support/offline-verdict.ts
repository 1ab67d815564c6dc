import { createVerifier, VerificationError, type Verifier } from '@auth4agent/verifier'
import { vi } from 'vitest'
import type { VerificationKeys } from '../../services/keys/verification-keys.ts'
import { GOOD_CLAIMS } from './access-tokens.ts'
import { NOW_S } from './assertions.ts'

const PUBLISHED: ReadonlySet<string> = new Set(['active', 'retiring'])
const verifiers = new WeakMap<VerificationKeys, Map<string, Verifier>>()

/**
 * Returns the verdict of the verifier library about a token when an issuer publishes these keys: `genuine`, or the
 * reason. Returns undefined if the verdict cannot be compared with the server's verdict. That is so if the issuer is
 * invalid, because then there is no verifier, and if a key is prepared, because a JWKS does not show this state.
 */
export async function offlineVerdict(
  text: string,
  issuer: string,
  keys: VerificationKeys,
): Promise<string | undefined> {
  const isComparable = (await keys.list()).every(({ state }) => state !== 'prepared')
  const verifier = isComparable ? verifierOf(issuer, keys) : undefined
  if (verifier === undefined) return undefined
  vi.useFakeTimers({ toFake: ['Date'], now: NOW_S * 1_000 })
  try {
    const claims = await verifier.verify(text)
    return claims.jti === '' ? undefined : 'genuine'
  } catch (error) {
    if (error instanceof VerificationError) return error.reason
    throw error
  } finally {
    vi.useRealTimers()
  }
}

function verifierOf(issuer: string, keys: VerificationKeys): Verifier | undefined {
  const known = verifiers.get(keys) ?? new Map<string, Verifier>()
  verifiers.set(keys, known)
  const verifier = known.get(issuer) ?? newVerifier(issuer, keys)
  if (verifier !== undefined) known.set(issuer, verifier)
  return verifier
}

function newVerifier(issuer: string, keys: VerificationKeys): Verifier | undefined {
  const published = async () =>
    (await keys.list())
      .filter(({ state }) => PUBLISHED.has(state))
      .map(({ jwk, alg, kid }) => Object.assign({ alg, use: 'sig', kid }, jwk))
  try {
    return createVerifier({
      issuer,
      audience: GOOD_CLAIMS.aud,
      operators: 'any',
      revocations: 'none',
      fetch: async (url) => Response.json(url.endsWith('/jwks.json') ? { keys: await published() } : { issuer }),
    })
  } catch {
    return undefined
  }
}
