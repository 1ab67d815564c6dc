import { type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import type { EvidenceAlgorithm } from '../jwt/algorithms.ts'
import { type EvidenceKeys, MAX_KEYS, readFetchedKeys } from '../jwt/keys.ts'
import type { Outbound } from '../outbound/outbound.ts'

/** Where the keys of an issuer are, and which of them count. */
export interface KeyPlace {
  readonly issuer: string
  /** Undefined if the discovery document of the issuer says where its keys are. */
  readonly jwksUri: string | undefined
  readonly algorithms: readonly EvidenceAlgorithm[]
}

/** Thrown when an answer of an issuer cannot be used. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}

/** The keys that an issuer publishes now. */
interface FetchedKeySet {
  readonly keys: EvidenceKeys
  /** How long the answer stays fresh, in seconds; undefined if it does not say. */
  readonly maxAgeS: number | undefined
}

const JSON_TYPES = ['application/json', 'application/jwk-set+json'] as const
const MAX_BYTES = 256 * 1024
const TIMEOUT_MS = 5_000

/**
 * Fetches the keys of an issuer: from the address that the operator has configured, or else from the one in the
 * issuer's discovery document (OpenID Connect Discovery 1.0 section 4).
 *
 * @throws OutboundError, UnusableAnswer
 */
export async function fetchKeySet(
  outbound: Pick<Outbound, 'get'>,
  { issuer, jwksUri, algorithms }: KeyPlace,
): Promise<FetchedKeySet> {
  const uri = jwksUri ?? (await discoverJwksUri(outbound, issuer))
  const { body, maxAgeS } = await outbound.get(uri, { accept: JSON_TYPES, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS })
  const keys = readFetchedKeys(readJson(body, 'JWKS'), { algorithms })
  if (keys !== undefined) return { keys, maxAgeS }
  throw new UnusableAnswer(`its JWKS must have a list of at most ${MAX_KEYS} keys`)
}

/** The outbound client refuses an address that is not https. */
async function discoverJwksUri(outbound: Pick<Outbound, 'get'>, issuer: string): Promise<string> {
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { body } = await outbound.get(place, { accept: JSON_TYPES, timeoutMs: TIMEOUT_MS })
  const document = readJson(body, 'discovery document')
  if (document['issuer'] !== issuer) throw new UnusableAnswer('its discovery document must name the same issuer')
  const { jwks_uri: uri } = document
  if (typeof uri === 'string' && parseNormalUrl(uri) !== undefined) return uri
  throw new UnusableAnswer('its discovery document must have a jwks_uri, a URL in its normal form')
}

function readJson(body: Uint8Array, what: string): JsonObject {
  const json = parseStrictJson(body)
  if (json.ok) return json.value
  throw new UnusableAnswer(`its ${what} must be an unambiguous JSON object`)
}
