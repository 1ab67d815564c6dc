import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { type ClaimValue, RefusedEvidence } from './attestor-type.ts'
import { invalidConfig, readTexts } from './read-config.ts'

/** The most claims that an operator may list. */
const MAX_CLAIMS = 48
const MAX_LIST = 64
const MAX_TEXT = 1_024
const NAME = /^[A-Za-z_]\w{0,62}$/

/**
 * Reads the names of the claims that an operator wants to see: identifiers. `taken` may not be among them, because the
 * type sets or interprets these claims itself.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readClaimNames(config: JsonObject, taken: readonly string[]): readonly string[] {
  const names = readTexts(config, 'claims', MAX_CLAIMS) ?? []
  const wrong = names.find((name) => !NAME.test(name) || name === '__proto__')
  if (wrong !== undefined) throw invalidConfig('claims', 'must be a list of names of letters, digits and _')
  const held = names.find((name) => taken.includes(name))
  if (held !== undefined) throw invalidConfig('claims', `must not list ${held}`)
  return names
}

/**
 * Returns a claim that may be shown: a text, a whole number, a boolean or a list of texts. A claim that is absent is
 * undefined: a rule that needs it then refuses.
 *
 * @throws RefusedEvidence for every other value
 */
export function pickClaim(claims: JsonObject, claim: string, name: string): ClaimValue | undefined {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (value === undefined || typeof value === 'boolean' || isClaimText(value) || isWhole(value)) return value
  const texts = Array.isArray(value) && value.length <= MAX_LIST ? value.filter(isClaimText) : undefined
  if (Array.isArray(value) && texts?.length === value.length) return texts
  throw new RefusedEvidence(
    `The ${claim} of the ${name} must be a text of at most ${MAX_TEXT} characters, a whole number, a boolean or a list of texts`,
  )
}

/** Tells whether a value is a text that a claim may have. The database cannot store the character U+0000. */
export function isClaimText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT && !value.includes('\0')
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
