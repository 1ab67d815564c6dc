import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { type ClaimValue, RefusedEvidence, type VerifiedClaims } from '../../attestor-type.ts'

/** Where each verified claim comes from: a JSON Pointer (RFC 6901) by the claim's name. */
export type ClaimMapping = Readonly<Record<string, string>>

/** The longest text of a claim, in characters. */
const MAX_TEXT = 1024
/** The longest list of a claim. */
const MAX_LIST = 64
const FORM = `a text of at most ${MAX_TEXT} characters without NUL, a safe integer, a boolean or a list of at most ${MAX_LIST} texts`

/**
 * Takes the verified claims out of the payload of a token. Leaves out claims that are missing or null.
 *
 * @throws RefusedEvidence for a value that cannot be a claim. To leave it out could turn a rule about it around.
 */
export function exposeClaims(mapping: ClaimMapping, payload: JsonObject): VerifiedClaims {
  const entries = Object.entries(mapping).flatMap(([name, pointer]) => {
    const value = readPointer(payload, pointer)
    if (value === undefined || value === null) return []
    if (!isClaimValue(value)) throw new RefusedEvidence(`The claim ${pointer} of the token must be ${FORM}`)
    return [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

/** Returns the value to which a JSON Pointer leads through objects. It does not lead into lists. */
function readPointer(payload: JsonObject, pointer: string): unknown {
  let at: unknown = payload
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isJsonObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}

/** A larger number is not exact, so two of them could look equal. */
function isClaimValue(value: unknown): value is ClaimValue {
  if (Array.isArray(value)) return value.length <= MAX_LIST && value.every(isText)
  return isText(value) || typeof value === 'boolean' || Number.isSafeInteger(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT && !value.includes('\0')
}
