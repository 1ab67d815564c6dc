import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { IssuerKey } from '../../../../gen/prisma/client.ts'

/** A key of a JWKS that an issuer has just published. */
export interface OfferedKey {
  readonly kid: string
  readonly alg: TokenAlgorithm
  readonly jwk: PublicJwk
  /** RFC 7638 thumbprint of `jwk`. */
  readonly thumbprint: string
}

/** A key that an issuer has published before. */
export type KnownKey = Pick<IssuerKey, 'kid' | 'alg' | 'thumbprint' | 'absentSince' | 'withdrawnAt'>

/** The keys of an issuer before a fetch, and what the fetch has brought. */
export interface KeySets {
  readonly known: readonly KnownKey[]
  readonly offered: readonly OfferedKey[]
  /** Thumbprints of keys of this deployment. */
  readonly ours: ReadonlySet<string>
  /** Unix milliseconds. */
  readonly now: number
}

/** Why a single key of a set is refused. */
type KeyRefusal = 'KEY_IS_OURS' | 'KEY_CHANGED' | 'KEY_REPEATED'

/** What a fetch changes. Kids in every list, except new keys. */
export interface KeyChanges {
  readonly inserted: readonly OfferedKey[]
  /** Keys that the set has again. A withdrawn key among them stays withdrawn. */
  readonly returned: readonly string[]
  /** Keys that the set lacks for the first time. */
  readonly absent: readonly string[]
  /** Keys that verify nothing until the administrator readmits them. */
  readonly withdrawn: readonly string[]
  /** Keys of the set that are not taken. */
  readonly refused: readonly { readonly kid: string; readonly why: KeyRefusal }[]
}

/** Milliseconds for which a key must have been absent before a further absence withdraws it. */
const WITHDRAWN_AFTER_MS = 60_000

/**
 * Compares a new set with the known keys. One set without a key only stops the key, because the set may be an old one
 * of a cache. Two such sets, a minute apart, withdraw it: a key that reappears later may come from a replayed set.
 *
 * Keys of other issuers do not matter. If an issuer could reserve a key by publishing it, it could keep another issuer
 * from using its own next key. A key verifies only tokens whose `iss` is the issuer under which it is looked up.
 */
export function mergeKeys({ known, offered, ours, now }: KeySets): KeyChanges {
  const byKid = new Map(known.map((key) => [key.kid, key]))
  const held = new Map(known.map((key) => [key.thumbprint, key.kid]))
  const inserted: OfferedKey[] = []
  const refused: { kid: string; why: KeyRefusal }[] = []
  const present = new Set<string>()
  for (const key of offered) {
    const why = refusalOf(key, byKid.get(key.kid), held.get(key.thumbprint), ours)
    if (why !== undefined) {
      refused.push({ kid: key.kid, why })
      continue
    }
    present.add(key.kid)
    held.set(key.thumbprint, key.kid)
    if (!byKid.has(key.kid)) inserted.push(key)
  }
  const missing = known.filter(({ kid }) => !present.has(kid))
  const isLongAbsent = ({ absentSince }: KnownKey) =>
    absentSince !== null && now - absentSince.getTime() >= WITHDRAWN_AFTER_MS
  return {
    inserted,
    refused,
    returned: kidsOf(known.filter(({ kid, absentSince }) => present.has(kid) && absentSince !== null)),
    absent: kidsOf(missing.filter(({ absentSince }) => absentSince === null)),
    withdrawn: kidsOf(missing.filter((key) => key.withdrawnAt === null && isLongAbsent(key))),
  }
}

/** `before` is the key that had this kid, and `holder` the kid of this issuer that has the same key. */
function refusalOf(
  key: OfferedKey,
  before: KnownKey | undefined,
  holder: string | undefined,
  ours: ReadonlySet<string>,
): KeyRefusal | undefined {
  if (ours.has(key.thumbprint)) return 'KEY_IS_OURS'
  // Another key, or another algorithm, under a known kid would change what tokens of the past mean.
  if (before !== undefined && (before.thumbprint !== key.thumbprint || before.alg !== key.alg)) return 'KEY_CHANGED'
  return holder === undefined || holder === key.kid ? undefined : 'KEY_REPEATED'
}

function kidsOf(keys: readonly KnownKey[]): string[] {
  return keys.map(({ kid }) => kid)
}
