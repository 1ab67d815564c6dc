import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { RefusedEvidence } from './refused-evidence.ts'

/** What a type demands of the times of a token (RFC 7519 sections 4.1.4 to 4.1.6). */
export interface TimeRules {
  /** The noun in messages, such as `token`. */
  readonly name: string
  /** The claims that must be there. Each of the three is checked wherever it is. */
  readonly needs: readonly ('exp' | 'iat' | 'nbf')[]
  /** The longest time since `iat`, in milliseconds. Then `iat` must be there. */
  readonly maxAgeMs?: number | undefined
}

/** The checked times, in Unix milliseconds. */
export interface Times {
  readonly expiresAt: number | undefined
  readonly issuedAt: number | undefined
}

/** Now, in Unix milliseconds, and by how much clocks may differ. */
interface Clock {
  readonly now: number
  readonly skewMs: number
}

const MAX_AUDIENCES = 32
const MAX_TEXT = 1_024

/**
 * Checks `exp`, `iat` and `nbf`: whole seconds, and right now within the clock skew.
 *
 * @throws RefusedEvidence
 */
export function checkTimes(claims: JsonObject, { name, needs, maxAgeMs }: TimeRules, { now, skewMs }: Clock): Times {
  const isNeeded = (claim: 'exp' | 'iat' | 'nbf') =>
    needs.includes(claim) || (claim === 'iat' && maxAgeMs !== undefined)
  const [exp, iat, nbf] = (['exp', 'iat', 'nbf'] as const).map((claim) =>
    readSeconds(claims, claim, name, isNeeded(claim)),
  )
  if (exp !== undefined && now >= exp + skewMs) throw new RefusedEvidence(`The ${name} must not have expired`)
  if (nbf !== undefined && now < nbf - skewMs) throw new RefusedEvidence(`The ${name} must be valid already`)
  if (iat !== undefined && now < iat - skewMs)
    throw new RefusedEvidence(`The iat of the ${name} must not be in the future`)
  if (iat !== undefined && exp !== undefined && exp <= iat)
    throw new RefusedEvidence(`The exp of the ${name} must be after its iat`)
  if (iat !== undefined && maxAgeMs !== undefined && now > iat + maxAgeMs + skewMs) {
    throw new RefusedEvidence(`The ${name} must be at most ${maxAgeMs / 1_000} seconds old`)
  }
  return { expiresAt: exp, issuedAt: iat }
}

/**
 * Returns a claim that must be a text.
 *
 * @throws RefusedEvidence
 */
export function requireText(claims: JsonObject, claim: string, name: string, maxLength = MAX_TEXT): string {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (typeof value === 'string' && value !== '' && value.length <= maxLength) return value
  throw new RefusedEvidence(`The ${claim} of the ${name} must be a text of 1 to ${maxLength} characters`)
}

/**
 * Returns the audiences: `aud` is a text or a list of texts (RFC 7519 section 4.1.3).
 *
 * @throws RefusedEvidence
 */
export function readAudiences(claims: JsonObject, name: string): readonly string[] {
  const value = Object.hasOwn(claims, 'aud') ? claims['aud'] : undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const texts = list.filter((each) => typeof each === 'string' && each !== '' && each.length <= MAX_TEXT)
  if (texts.length === list.length && list.length >= 1 && list.length <= MAX_AUDIENCES) return texts.map(String)
  throw new RefusedEvidence(`The aud of the ${name} must be a text, or a list of 1 to ${MAX_AUDIENCES} texts`)
}

/** In milliseconds. */
function readSeconds(claims: JsonObject, claim: string, name: string, isNeeded: boolean): number | undefined {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (value === undefined && !isNeeded) return undefined
  if (isUnixSeconds(value)) return value * 1_000
  throw new RefusedEvidence(`The ${claim} of the ${name} must be a whole number of Unix seconds`)
}
