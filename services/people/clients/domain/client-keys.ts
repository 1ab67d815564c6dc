import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkSetEntries } from '@auth4agent/core/jose/jwk-set'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'

/** A public key of a client. */
export interface ClientKey {
  /** Undefined if the document does not name the key. */
  readonly kid: string | undefined
  readonly jwk: PublicJwk
}

/** With what a client authenticates: keys in its document, or the address of its keys on the same origin. */
export type ClientKeys = { readonly jwks: readonly ClientKey[] } | { readonly jwksUri: string }

const MAX_KEYS = 16
const KID = /^[!-~]{1,128}$/
/** The members of a public key. Other members, such as `x5c`, say nothing that is believed here. */
const MEMBERS: ReadonlySet<string> = new Set(['kty', 'crv', 'x', 'y', 'n', 'e'])
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads the keys of a client that authenticates by private_key_jwt.
 *
 * @returns the keys, or what the document must have instead
 */
export function readClientKeys(clientId: string, { jwks, jwks_uri: uri }: JsonObject): ClientKeys | string {
  if ((jwks === undefined) === (uri === undefined)) return 'must have either jwks or jwks_uri for private_key_jwt'
  if (uri === undefined) return readSet(jwks)
  const url = parseNormalUrl(uri)
  if (url?.origin === new URL(clientId).origin) return { jwksUri: url.href }
  return 'must have a jwks_uri on the origin of the document, in the normal form of URLs'
}

/**
 * Reads the keys that a client publishes at its `jwks_uri`. Skips keys that this version cannot use.
 *
 * @returns undefined if the value is no JWK Set, or has too many keys
 */
export function readPublishedKeys(value: unknown): readonly ClientKey[] | undefined {
  return jwkSetEntries(value, MAX_KEYS)
    ?.map(readKey)
    .filter((key) => key !== undefined)
}

/**
 * Returns the key with this name: its `kid`, or its thumbprint if the client has not named it. An empty text names the
 * only key. Returns undefined if no key has the name, or several have it.
 */
export function chooseKey(keys: readonly ClientKey[], name: string): PublicJwk | undefined {
  const named = name === '' ? keys : keys.filter(({ kid, jwk }) => (kid ?? jwkThumbprint(jwk)) === name)
  return named.length === 1 ? named[0]?.jwk : undefined
}

function readSet(value: unknown): ClientKeys | string {
  const keys = jwkSetEntries(value, MAX_KEYS)?.map(readKey)
  if (keys === undefined || keys.length === 0) return `must have jwks with 1 to ${MAX_KEYS} keys`
  const read = keys.filter((key) => key !== undefined)
  return read.length === keys.length
    ? { jwks: read }
    : 'must have only public keys of Ed25519, P-256 or RSA of at least 2048 bits in its jwks'
}

function readKey(entry: unknown): ClientKey | undefined {
  if (!isJsonObject(entry) || SECRET_MEMBERS.some((name) => Object.hasOwn(entry, name))) return undefined
  const { kid, use = 'sig' } = entry
  if (use !== 'sig' || !(kid === undefined || (typeof kid === 'string' && KID.test(kid)))) return undefined
  const jwk = readPublicJwk(Object.fromEntries(Object.entries(entry).filter(([name]) => MEMBERS.has(name))))
  return jwk && { kid, jwk }
}
