import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { invalidConfig } from '../../read-config.ts'
import type { ClaimMapping } from './expose-claims.ts'

/** The most claims besides `sub`. */
const MAX_CLAIMS = 63
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
/** RFC 6901 section 3. */
const POINTER = /^(?:\/(?:[^~/]|~[01])+){1,8}$/
const MAX_POINTER = 256
const SUBJECT: ClaimMapping = { sub: '/sub' }

/**
 * Reads which claims of a token become verified claims: a list of their names, or an object of JSON Pointers by the
 * names of the verified claims. `sub` always is one.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function parseClaimMapping(value: unknown): ClaimMapping {
  if (value === undefined) return SUBJECT
  const entries = Array.isArray(value) ? value.map((name) => [name, `/${name}`]) : entriesOf(value)
  if (entries === undefined || entries.length === 0 || entries.length > MAX_CLAIMS) {
    throw invalidConfig(
      'claims',
      `must be a list of names, or an object of JSON Pointers, with 1 to ${MAX_CLAIMS} claims`,
    )
  }
  const claims = entries.map(([name, pointer]) => {
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw invalidConfig('claims', 'must have names of letters, digits and _ that do not begin with a digit')
    }
    if (!isPointer(pointer)) {
      throw invalidConfig(`claims.${name}`, `must be a JSON Pointer of at most ${MAX_POINTER} characters, such as /a/b`)
    }
    if (name === 'sub' && pointer !== SUBJECT['sub']) throw invalidConfig('claims.sub', 'must be /sub')
    return [name, pointer] as const
  })
  const mapping = { ...Object.fromEntries(claims), ...SUBJECT }
  if (new Set(claims.map(([name]) => name)).size === claims.length) return mapping
  throw invalidConfig('claims', 'must name each claim once')
}

function entriesOf(value: unknown): [string, unknown][] | undefined {
  return isJsonObject(value) ? Object.entries(value) : undefined
}

function isPointer(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_POINTER && POINTER.test(value)
}
