import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { importP256, verifyP256AnyS } from '@auth4agent/core/keys/ecdsa-p256'
import { importTokenVerifier, type TokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { ChainShape } from './chain-shape.ts'
import type { EntityKey, EntityKeys } from './entity-keys.ts'
import type { EntityStatement } from './entity-statement.ts'
import { type ChainRefusal, type FederationRefusal, quote, refuse, refuseChain } from './refusal.ts'

/**
 * Verifies the signature of every statement (OpenID Federation 1.0 sections 4 and 10.2). A key counts only where the
 * chain attests it: the next statement must contain it. The two statements of the anchor need a key that its
 * configuration contains and that is pinned, so neither a withdrawn nor a new key of the anchor verifies anything.
 */
export function checkSignatures(
  { configuration, steps, top }: ChainShape,
  pinned: EntityKeys,
): ChainRefusal | undefined {
  const statements = [configuration, ...steps, top]
  for (const [place, statement] of statements.entries()) {
    const keys = findKeys(statement, {
      attested: statements[place + 1]?.keys ?? statement.keys,
      // The superior may attest keys that the configuration no longer has.
      own: statement.iss === statement.sub ? statement.keys : undefined,
      pinned: place >= steps.length ? pinned : undefined,
    })
    const refusal = 'ok' in keys ? keys : checkSignature(statement, keys)
    if (refusal !== undefined) return refuseChain(place, refusal)
  }
  return undefined
}

/** Verifies that an entity configuration is signed by one of the keys in it. This proves nothing about the entity. */
export function checkOwnSignature(configuration: EntityStatement): FederationRefusal | undefined {
  const keys = findKeys(configuration, { attested: configuration.keys, own: undefined, pinned: undefined })
  return 'ok' in keys ? keys : checkSignature(configuration, keys)
}

/** Verifies that a JWS of an entity is signed by one of its keys. */
export function verifySignedBy(jws: EntityStatement['jws'], keys: EntityKeys): FederationRefusal | undefined {
  const found = findKeys({ jws }, { attested: keys, own: undefined, pinned: undefined })
  return 'ok' in found ? found : checkSignature({ jws }, found)
}

/** Sets of keys, each of which must contain the key of a statement. */
interface KeySources {
  readonly attested: EntityKeys
  readonly own: EntityKeys | undefined
  readonly pinned: EntityKeys | undefined
}

/** Finds the key of a statement in every set. All results are the same key, but may have another `alg`. */
function findKeys(
  { jws }: Pick<EntityStatement, 'jws'>,
  { attested, own, pinned }: KeySources,
): readonly EntityKey[] | FederationRefusal {
  const { kid } = jws.header
  const ownKey = own?.get(kid)
  if (own !== undefined && ownKey === undefined) {
    return refuse('KEY_NOT_OWN', `The configuration must contain the key ${quote(kid)} that signed it`)
  }
  const key = attested.get(kid)
  if (key === undefined || (ownKey !== undefined && ownKey.thumbprint !== key.thumbprint)) {
    return refuse('KEY_UNKNOWN', `The superior's statement must contain the key ${quote(kid)}`)
  }
  const pin = [...(pinned?.values() ?? [])].find(({ thumbprint }) => thumbprint === key.thumbprint)
  if (pinned !== undefined && pin === undefined) {
    return refuse('KEY_NOT_PINNED', `The trust anchor must sign with a pinned key, not with ${quote(kid)}`)
  }
  return [key, ownKey, pin].filter((found) => found !== undefined)
}

function checkSignature(
  { jws }: Pick<EntityStatement, 'jws'>,
  keys: readonly EntityKey[],
): FederationRefusal | undefined {
  const { alg } = jws.header
  const [key] = keys
  const isAllowed = keys.every((key) => key.alg === undefined || key.alg === alg)
  const verify = isAllowed && key !== undefined ? importVerifier(alg, key.jwk) : undefined
  if (verify?.(jws.signingInput, jws.signature)) return undefined
  return refuse('SIGNATURE_INVALID', `The signature must be valid for the key ${quote(jws.header.kid)}`)
}

function importVerifier(alg: string, jwk: PublicJwk): TokenVerifier['verify'] | undefined {
  if (alg !== 'ES256') return importTokenVerifier(alg, jwk)?.verify
  // Other programs produce the higher S half of the time. A second text of a statement does no harm.
  const key = importP256(jwk)
  return key && ((signingInput, signature) => verifyP256AnyS(key, signingInput, signature))
}
