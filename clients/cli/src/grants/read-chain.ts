import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import { GRANT_ALGORITHM, type Hop } from '@auth4agent/core/delegation/grant-types'
import { importHolderKey } from '@auth4agent/core/delegation/holder-key'
import type { GrantKeys } from '@auth4agent/core/delegation/issuer-signature'
import type { ChainRefusal } from '@auth4agent/core/delegation/refusal'
import { verifyEach } from '@auth4agent/core/delegation/verify-each'
import { verifyGrant } from '@auth4agent/core/delegation/verify-grant'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'

/** A chain of grants as far as it is genuine. */
export interface ReadChain {
  /** The genuine grants, root first. After a refused grant, no grant is read. */
  readonly hops: readonly Hop[]
  /** How many grants the text has. */
  readonly size: number
  /** The first refusal, of the form and the rules or of the times; undefined if the chain is valid. */
  readonly refusal: ChainRefusal | undefined
}

/** Rules for {@link readChain}. */
interface ReadRules {
  readonly issuer: string
  readonly keys: GrantKeys
  readonly nowS: number
}

const alwaysValid = () => true
const trust = async (kid: string) => ({ kid, alg: GRANT_ALGORITHM, state: 'active', verify: alwaysValid }) as const
/** Trusts every signature of an issuer, for a chain that is read without a server. */
export const ANY_ISSUER_KEY: GrantKeys = { find: trust, findNow: trust }

/** Clock skew that servers allow, in seconds. */
export const SKEW_S = 10

/** Verifies a chain grant by grant, and keeps the grants above the first refused one. */
export async function readChain(text: string, { issuer, keys, nowS }: ReadRules): Promise<ReadChain> {
  const hops: Hop[] = []
  const verified = await verifyEach<never>(text, issuer, async (grant, above) => {
    const next = await verifyGrant(grant, above, { issuer, keys, importKey: importHolderKey })
    if (next.ok) hops.push(next.hop)
    return next
  })
  const refusal = verified.ok ? checkChainTimes(verified.chain, nowS, SKEW_S) : verified
  return { hops, size: text.split('~').length, refusal }
}

/** Returns why a grant is not valid at a time, whatever the other grants are; undefined if it is valid. */
export function checkHopTimes(hop: Hop, nowS: number): ChainRefusal | undefined {
  return checkChainTimes({ hops: [hop] }, nowS, SKEW_S)
}

/** Returns the issuer that the root grant names, without verifying it; an empty text if it names none. */
export function namedIssuer(text: string): string {
  const [, payload = ''] = (text.split('~')[0] ?? '').split('.')
  const bytes = decodeBase64url(payload)
  const json = bytes && parseStrictJson(bytes)
  return json?.ok && typeof json.value.iss === 'string' ? json.value.iss : ''
}
