import { readJwkSet } from '@auth4agent/core/jose/jwk-set'
import { KnownKeys } from '@auth4agent/core/jose/known-keys'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { checkSigned, checkTimes, readAccessToken } from '@auth4agent/core/token/access-token'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import { checkBinding } from '@auth4agent/core/token/check-binding'
import { checkRequirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { clientError } from './errors.ts'
import { importPublished, type PublishedKey } from './published-key.ts'
import type { Runtime } from './runtime.ts'
import type { Server } from './server.ts'

/** Requirements for a token. A requirement that is left out is not checked. An empty requirement is a TypeError. */
export interface VerifyOptions {
  /** The token must have at least one of these audiences. */
  readonly audience?: string | readonly string[] | undefined
  /** The token must have all of these scopes. */
  readonly scopes?: readonly string[] | undefined
  /** The token's operator must be one of these operators, named by domain or id. */
  readonly operators?: readonly string[] | undefined
}

/**
 * The result of a verification. A token is valid if its signature is valid, its times fit and it meets the
 * requirements. If not, `reason` is the same stable code that the server gives.
 */
export type Verification =
  | { readonly valid: true; readonly claims: AccessTokenClaims }
  | { readonly valid: false; readonly reason: Verdict }

/**
 * Verifies a token with the keys that a server publishes. A token that is bound to a key is not valid, because this
 * verifier gets no proof. So delegated tokens are not valid either: they are DELEGATION_NOT_ACCEPTED.
 */
export type JwksVerifier = (token: string, options?: VerifyOptions) => Promise<Verification>

/** The longest time for which a JWKS is kept, in milliseconds. */
const MAX_AGE_MS = 300_000
const VERIFY_NAMES: Names<VerifyOptions> = { audience: true, scopes: true, operators: true }
/** The allowed clock skew in seconds, the same as servers allow. */
const CLOCK_SKEW_S = 10

/**
 * Makes a verifier for the tokens of one server. The verifier rejects with Auth4AgentError if it cannot get the keys,
 * and with TypeError for a requirement that is unknown, empty or malformed.
 */
export function createJwksVerifier(server: Server, runtime: Runtime): JwksVerifier {
  const keys = keySet(server, runtime)
  return async (token, options = {}) => {
    expectDemands(options)
    const { audience, scopes = [], operators = [] } = options
    const demanded = audience === undefined ? [] : readDemandedAudiences(audience)
    const read = readAccessToken(token)
    if ('verdict' in read) return { valid: false, reason: read.verdict }
    const key = await keys(read.jws.header.kid)
    if (key === undefined) return { valid: false, reason: 'UNKNOWN_KEY' }
    const holds = await key.verify(read.jws.signingInput, read.jws.signature)
    const genuine = checkSigned(read, server.issuer, { ...key, state: 'active', verify: () => holds })
    if ('verdict' in genuine) return { valid: false, reason: genuine.verdict }
    const { claims } = genuine
    const wanted = { audience: demanded, scope: scopes, operators }
    const nowS = runtime.wallMs() / 1000
    const reason =
      checkTimes(claims, nowS, CLOCK_SKEW_S) ??
      checkRequirements(claims, wanted, nowS) ??
      checkBinding(claims, undefined)
    return reason === undefined ? { valid: true, claims } : { valid: false, reason }
  }
}

/** Throws TypeError for a requirement that is unknown or empty. An empty requirement is most likely a mistake. */
function expectDemands(options: VerifyOptions): void {
  refuseUnknownNames('option', options, VERIFY_NAMES)
  for (const name of ['audience', 'scopes', 'operators'] as const) {
    if (options[name]?.length === 0)
      throw new TypeError(`${name} must not be empty: leave it out if nothing is required`)
  }
}

/** Finds published keys. All callers who wait share one request. */
function keySet(server: Server, runtime: Runtime): (kid: string) => Promise<PublishedKey | undefined> {
  const known = new KnownKeys<PublishedKey>(MAX_AGE_MS)
  const present = () => ({ wall: runtime.wallMs(), monotonic: runtime.monotonicMs() })
  let pending: Promise<void> | undefined
  const read = async () => {
    const begun = present()
    const keys = await readKeys(await server.transport({ method: 'GET', path: '/.well-known/jwks.json' }))
    known.try(begun)
    known.replace({ keys, begun, cachedMs: 0, freshMs: MAX_AGE_MS })
  }
  return async (kid) => {
    if (!known.isUsable(present()) || known.mayHaveCome(kid, present())) {
      pending ??= read().finally(() => {
        pending = undefined
      })
      await pending
    }
    return known.find(kid)
  }
}

async function readKeys(answer: unknown): Promise<ReadonlyMap<string, PublishedKey>> {
  const published = readJwkSet(answer)
  if (published === undefined) {
    throw clientError('UNEXPECTED_ANSWER', 'The answer at /.well-known/jwks.json is not a JWK Set')
  }
  const keys = await Promise.all(published.map(importPublished))
  return new Map(keys.flatMap((key) => (key === undefined ? [] : [[key.kid, key] as const])))
}
