import { type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import type { Issuer } from '../../../../gen/prisma/client.ts'
import type { RawKeySet } from '../../../federation/chains/chain-key-set.ts'
import { NoChain } from '../../../federation/chains/current-chain.ts'
import type { FederationRule } from '../../../federation/domain/refusal.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { OutboundError, type OutboundWhy } from '../../../platform/outbound/outbound-error.ts'
import { defaultJwksUri } from '../domain/read-new-issuer.ts'
import type { OfferedKey } from './merge-keys.ts'
import { MAX_KEYS, readForeignKeys } from './read-foreign-keys.ts'

/** Why nothing of an answer is used: the rule that it breaks. */
export type SetRefusal = 'NOT_JSON' | 'NOT_A_JWKS' | 'ISSUER_MISMATCH' | 'DATE_MISSING' | 'DATE_AHEAD' | 'ROLLBACK'

/** Thrown when an answer of an issuer breaks a rule. The message is for the log. */
class RefusedSet extends Error {
  override readonly name = 'RefusedSet'
  readonly why: SetRefusal

  constructor(why: SetRefusal, message: string) {
    super(message)
    this.why = why
  }
}

/** A JWKS as an issuer has just published it. */
export interface FetchedSet {
  readonly keys: readonly OfferedKey[]
  readonly maxAgeS: number | undefined
  /** The issuer's own time, from the header Date. */
  readonly date: Date | undefined
}

const JSON_TYPES = ['application/json', 'application/jwk-set+json'] as const
const MAX_BYTES = 256 * 1024
/** By how much the clocks of the issuer's servers, and this one, may differ. */
const SKEW_MS = 10_000

/**
 * Fetches the keys of an issuer that the administrator vouches for. For another Auth4Agent deployment, its discovery
 * document must name the issuer byte for byte, and says where the keys are, unless the administrator has said it.
 *
 * @param now returns Unix milliseconds
 * @throws OutboundError, RefusedSet
 */
export async function fetchKeySet(
  outbound: Pick<Outbound, 'get'>,
  issuer: Issuer,
  now: () => number,
): Promise<FetchedSet> {
  const jwksUri = issuer.kind === 'auth4agent' ? await discoverJwksUri(outbound, issuer) : issuer.jwksUri
  const { body, maxAgeS, date } = await outbound.get(jwksUri, { accept: JSON_TYPES, maxBytes: MAX_BYTES })
  return readKeySet(issuer, { jwks: readJson(body, jwksUri), maxAgeS, date }, now())
}

/**
 * Reads the keys of a set that is not older than the last one.
 *
 * @param now Unix milliseconds
 * @throws RefusedSet
 */
export function readKeySet(
  issuer: Pick<Issuer, 'issuer' | 'kind' | 'algorithms' | 'keysDate'>,
  { jwks, maxAgeS, date }: RawKeySet,
  now: number,
): FetchedSet {
  const keys = readForeignKeys(jwks, issuer.kind, issuer.algorithms.filter(isTokenAlgorithm))
  if (keys === undefined) {
    throw new RefusedSet('NOT_A_JWKS', `The JWKS of ${issuer.issuer} must be a set of at most ${MAX_KEYS} keys`)
  }
  checkDate(date, issuer.keysDate?.getTime(), now)
  return { keys, maxAgeS, date: date === undefined ? undefined : new Date(date) }
}

/** Returns what of an error administrators may see: a stable name. Undefined for an error of the server itself. */
export function whyOf(error: unknown): OutboundWhy | SetRefusal | FederationRule | undefined {
  const isKnown = error instanceof OutboundError || error instanceof RefusedSet || error instanceof NoChain
  return isKnown ? error.why : undefined
}

async function discoverJwksUri(outbound: Pick<Outbound, 'get'>, { issuer, jwksUri }: Issuer): Promise<string> {
  const place = `${issuer}/.well-known/auth4agent`
  const { body } = await outbound.get(place, { accept: JSON_TYPES })
  const document = readJson(body, place)
  if (document['issuer'] !== issuer) throw new RefusedSet('ISSUER_MISMATCH', `${place} must name the issuer ${issuer}`)
  if (jwksUri !== defaultJwksUri(issuer)) return jwksUri
  const url = document['jwks_uri'] ?? jwksUri
  // Only the administrator may name an address on another origin.
  if (typeof url === 'string' && parseNormalUrl(url)?.origin === new URL(issuer).origin) return url
  throw new RefusedSet('ISSUER_MISMATCH', `The discovery document of ${issuer} must name a jwks_uri on its origin`)
}

function readJson(body: Uint8Array, place: string): JsonObject {
  const json = parseStrictJson(body)
  if (json.ok) return json.value
  throw new RefusedSet('NOT_JSON', `${place} must answer with an unambiguous JSON object (${json.why})`)
}

/**
 * Refuses a set that is older than the last one, by the issuer's own clock: it may be replayed. A time in the future
 * is refused too, because it would block every set until then.
 */
function checkDate(date: number | undefined, last: number | undefined, now: number): void {
  if (date === undefined) {
    if (last === undefined) return
    throw new RefusedSet('DATE_MISSING', 'The JWKS must have a header Date, as earlier ones had')
  }
  if (date > now + SKEW_MS) throw new RefusedSet('DATE_AHEAD', 'The header Date of the JWKS must not be in the future')
  if (last !== undefined && date < last - SKEW_MS) {
    throw new RefusedSet('ROLLBACK', 'The header Date of the JWKS must not be earlier than that of the last one')
  }
}
