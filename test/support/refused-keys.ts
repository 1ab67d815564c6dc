import { createPrivateKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { parseSigningKey } from '../../services/keys/domain/parse-signing-key.ts'

/** The members of a JWK by name. */
export type Members = Readonly<Record<string, unknown>>

/** A text that the server refuses as a signing key, and a pattern for the detail of the error. */
export type RefusedKey = readonly [name: string, text: string, detail: RegExp]

/** Returns a PEM as a JWK. */
export function membersOf(pem: string): Readonly<Record<string, string>> {
  const jwk = Object.entries(createPrivateKey(pem).export({ format: 'jwk' }))
  return Object.fromEntries(jwk.map(([name, value]) => [name, String(value)]))
}

/** Returns the text of a JWK with changed members. A member that is undefined is left out. */
export function jwkText(jwk: Members, changed: Members = {}): string {
  return JSON.stringify({ ...jwk, ...changed })
}

/** Defines one test for each row: the server refuses the text, and the error contains no part of the text. */
export function refusesKeys(rows: readonly RefusedKey[]): void {
  it.each(rows)('refuses %s', async (_name, text, detail) => {
    const thrown: unknown = await parseSigningKey(text, '').catch((error: unknown) => error)
    expect(thrown).toMatchObject({ name: 'ApiError', reason: 'INVALID_SIGNING_KEY' })
    expect(thrown).not.toHaveProperty('cause')
    const { message } = thrown as Error
    expect(message).toMatch(detail)
    for (const [run] of text.matchAll(/[\w+/]{10,}/g)) expect(message).not.toContain(run.slice(0, 10))
  })
}
