import { randomInt } from 'node:crypto'

/** Consonants that nobody takes for each other, and that make no words (RFC 8628 section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
const USER_CODE = new RegExp(`^[${LETTERS}]{${LENGTH}}$`)

/** Returns a new code for a person to type, of 34 random bits. */
export function newUserCode(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

/** Returns a code as a device shows it. */
export function showUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`
}

/** Reads what a person has typed. Hyphens, spaces and the case of letters do not matter. */
export function readUserCode(typed: string): string | undefined {
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase()
  return USER_CODE.test(code) ? code : undefined
}
