import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../test/support/reason-of.ts'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import { openText, sealText, secretOf } from './sealed-text.ts'

const keys = [1, 2].map((slot) => ({ id: `key_${slot}`, slot, key: importHmacKey(randomBytes(32)) }))
const [first] = keys
const deps = {
  challengeKeys: {
    current: async () => first ?? expect.fail(),
    find: async (id: string) => keys.find((key) => key.id === id),
  },
}

describe('openText', () => {
  it('returns what was sealed', async () => {
    expect(await openText(deps, 'trust-view', await sealText(deps, 'trust-view', '1.a-b_c.2'))).toBe('1.a-b_c.2')
  })

  it.each<[string, (sealed: string) => string]>([
    ['nothing', () => ''],
    ['another text', (sealed) => sealed.replace('.text.', '.test.')],
    ['a longer text', (sealed) => sealed.replace('.text.', '.text.x.')],
    ['another key of the deployment', (sealed) => sealed.replace('key_1', 'key_2')],
    ['an unknown key', (sealed) => sealed.replace('key_1', 'key_3')],
    ['a changed MAC', (sealed) => sealed.replace(/.{3}$/, 'AAA')],
    ['a MAC with other trailing bits', (sealed) => sealed.slice(0, -1) + nextOf(sealed.at(-1) ?? '')],
    ['no MAC', (sealed) => sealed.replace(/[^.]*$/, '')],
    ['white space', (sealed) => `${sealed} `],
    ['a line break', (sealed) => `${sealed}\n`],
  ])('refuses %s', async (_name, change) => {
    expect(await openText(deps, 'trust-view', change(await sealText(deps, 'trust-view', 'text')))).toBeUndefined()
  })

  it('refuses a text that is sealed for another purpose', async () => {
    expect(await openText(deps, 'dpop-nonce', await sealText(deps, 'trust-view', '1800000000'))).toBeUndefined()
  })
})

describe('sealText', () => {
  it('seals what opens, and refuses a longer text', async () => {
    const longest = 'a'.repeat(4_096)
    expect(await openText(deps, 'flow', await sealText(deps, 'flow', longest))).toBe(longest)
    expect(await refusalOf(sealText(deps, 'flow', `${longest}a`))).toBe('INVALID_ARGUMENT')
  })
})

describe('secretOf', () => {
  it('returns the same secret for a sealed text, and another one for another text or purpose', async () => {
    const [one, other] = [await sealText(deps, 'flow', 'a'), await sealText(deps, 'flow', 'b')]
    const secrets = [await secretOf(deps, 'pkce', one), await secretOf(deps, 'nonce', one)]
    expect(await secretOf(deps, 'pkce', one)).toBe(secrets[0])
    expect(new Set([...secrets, await secretOf(deps, 'pkce', other)]).size).toBe(3)
    expect(secrets[0]).toMatch(/^[\w-]{43}$/)
    expect(one).not.toContain(secrets[0])
  })

  it('returns nothing for an unknown key or a text that is not sealed', async () => {
    const sealed = await sealText(deps, 'flow', 'a')
    expect(await secretOf(deps, 'pkce', sealed.replace('key_1', 'key_3'))).toBeUndefined()
    expect(await secretOf(deps, 'pkce', 'key_1')).toBeUndefined()
  })
})

/** Returns the character of base64url that differs only in its last bit. */
function nextOf(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) ^ 1] ?? ''
}
