import type { VerifiedClaims } from './types/attestor-type.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
const MAX_CLAIMS = 64
const MAX_TEXT = 1024
const MAX_LIST = 64

/**
 * Checks that claims have a form that rules, rows and messages can carry. Types choose their claims, so a claim of
 * another form is a defect or hostile evidence.
 *
 * @throws Error
 */
export function checkClaims(claims: VerifiedClaims): void {
  const entries = Object.entries(claims)
  if (entries.length > MAX_CLAIMS) throw new Error(`There are more than ${MAX_CLAIMS} claims`)
  for (const [name, value] of entries) {
    if (!NAME.test(name)) throw new Error('The name of a claim is no identifier')
    const values = Array.isArray(value) ? value : [value]
    if (values.length > MAX_LIST || !values.every(isPlain)) throw new Error(`The claim ${name} has a wrong form`)
  }
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string') return value.length <= MAX_TEXT && value.isWellFormed() && !value.includes('\0')
  return typeof value === 'boolean'
}
