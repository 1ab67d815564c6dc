import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { findKeySource } from '../domain/key-source.ts'
import { MAX_KEY_SET_BYTES, readSignedKeySet } from '../domain/signed-key-set.ts'
import type { VerifiedChain } from '../domain/verify-chain.ts'
import { NoChain } from './current-chain.ts'

/** A JWKS of an issuer, as it came. */
export interface RawKeySet {
  readonly jwks: JsonObject
  readonly maxAgeS: number | undefined
  /** When the issuer made the set, in Unix milliseconds. */
  readonly date: number | undefined
}

const SIGNED = ['application/jwk-set+jwt'] as const
const PLAIN = ['application/json', 'application/jwk-set+json'] as const
/** Keys within the metadata change only with the chain, so there is no need to look often. In seconds. */
const INLINE_MAX_AGE_S = 300

/**
 * Gets the keys of an issuer's tokens from the place that its chain names.
 *
 * @param now Unix milliseconds
 * @throws OutboundError, NoChain
 */
export async function fetchChainKeySet(
  outbound: Pick<Outbound, 'get'>,
  chain: VerifiedChain,
  now: () => number,
): Promise<RawKeySet> {
  const source = findKeySource(chain)
  if (source === undefined) {
    throw new NoChain('KEYS_MALFORMED', `The metadata of ${chain.subject} must have jwks, signed_jwks_uri or jwks_uri`)
  }
  if (source.from === 'jwks') return { jwks: source.jwks, maxAgeS: INLINE_MAX_AGE_S, date: chain.iat * 1_000 }
  const accept = source.from === 'signed_jwks_uri' ? SIGNED : PLAIN
  const { body, maxAgeS, date } = await outbound.get(source.url, { accept, maxBytes: MAX_KEY_SET_BYTES })
  if (source.from === 'jwks_uri') return { jwks: readPlain(body, source.url), maxAgeS, date }
  const text = new TextDecoder().decode(body)
  const read = readSignedKeySet(text, chain.subject, source.signers, Math.floor(now() / 1_000))
  if (!read.ok) throw new NoChain(read.rule, read.text)
  return { jwks: read.set.jwks, maxAgeS, date: read.set.iat * 1_000 }
}

function readPlain(body: Uint8Array, url: string): JsonObject {
  const json = parseStrictJson(body)
  if (json.ok) return json.value
  throw new NoChain('KEYS_MALFORMED', `${url} must answer with an unambiguous JSON object (${json.why})`)
}
