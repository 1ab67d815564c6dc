import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkSetEntries } from '@auth4agent/core/jose/jwk-set'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { IssuerKind } from '../../../../gen/prisma/enums.ts'
import type { OfferedKey } from './merge-keys.ts'

/** The most keys that a set may have. */
export const MAX_KEYS = 32
const KID = /^[\x21-\x7e]{1,128}$/

/** The key type of each algorithm (RFC 7518 section 6.1, RFC 8037 section 2). */
const KEY_TYPES: Readonly<Record<TokenAlgorithm, string>> = { EdDSA: 'OKP', Ed25519: 'OKP', ES256: 'EC', RS256: 'RSA' }
/** The members of a public key. Other members, such as `x5c`, say nothing that is believed here. */
const MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const

/**
 * Reads the JWKS of an issuer: the keys for signatures of the algorithms that the administrator allows. Skips other
 * keys. Returns undefined if the value is not a JWKS or has too many keys.
 */
export function readForeignKeys(
  json: unknown,
  kind: IssuerKind,
  algorithms: readonly TokenAlgorithm[],
): OfferedKey[] | undefined {
  const entries = jwkSetEntries(json, MAX_KEYS)
  if (entries === undefined) return undefined
  return kind === 'oauth' ? readAnyKind(entries, algorithms) : readOwnKind(json, algorithms)
}

/** The keys of an Auth4Agent deployment have their thumbprints as `kid`. */
function readOwnKind(json: unknown, algorithms: readonly TokenAlgorithm[]): OfferedKey[] {
  const imported = [...(importKeySet(json)?.values() ?? [])]
  return imported.flatMap(({ kid, alg, jwk }) => {
    const allowed = algorithms.find((each) => each === alg)
    return allowed === undefined ? [] : [{ kid, alg: allowed, jwk, thumbprint: kid }]
  })
}

/**
 * Other servers choose any `kid`. A private key in a JWKS is known to everybody, so it is skipped. Two keys of one set
 * with the same `kid` are both skipped.
 */
function readAnyKind(entries: readonly unknown[], algorithms: readonly TokenAlgorithm[]): OfferedKey[] {
  const read = entries.flatMap((entry) => readEntry(entry, algorithms) ?? [])
  return read.filter(({ kid }) => entries.filter((entry) => isJsonObject(entry) && entry['kid'] === kid).length === 1)
}

function readEntry(entry: unknown, algorithms: readonly TokenAlgorithm[]): OfferedKey | undefined {
  if (!isJsonObject(entry)) return undefined
  const { kid, use = 'sig', alg, kty } = entry
  if (typeof kid !== 'string' || !KID.test(kid) || use !== 'sig' || 'd' in entry) return undefined
  const fitting = algorithms.filter((each) => KEY_TYPES[each] === kty && (alg === undefined || each === alg))
  const [chosen, ...others] = fitting
  // A key without `alg` that fits two allowed algorithms would leave the choice to the token.
  if (chosen === undefined || others.length > 0) return undefined
  const members = Object.fromEntries(MEMBERS.flatMap((name) => (name in entry ? [[name, entry[name]]] : [])))
  const jwk = importTokenVerifier(chosen, members)?.jwk
  return jwk && { kid, alg: chosen, jwk, thumbprint: jwkThumbprint(jwk) }
}
