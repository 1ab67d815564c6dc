import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import { checkNonce, createNonce } from './dpop-nonce.ts'

const keys = [1, 2].map((slot) => ({ id: `key_${slot}`, slot, key: importHmacKey(randomBytes(32)) }))
const [first, second] = keys
let now = 0
const deps = {
  now: () => now,
  challengeKeys: {
    current: async () => first ?? expect.fail(),
    find: async (id: string) => keys.find((key) => key.id === id),
    rotate: async () => undefined,
  },
}

beforeEach(() => {
  now = 1_800_000_000_000
})

describe('checkNonce', () => {
  it('accepts a nonce until five minutes have passed', async () => {
    const nonce = await createNonce(deps)
    // RFC 9449 section 8.1: nonce = 1*NQCHAR
    expect(nonce).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(await checkNonce(deps, nonce)).toBe(true)
    now += 299_999
    expect(await checkNonce(deps, nonce)).toBe(true)
    now += 1
    expect(await checkNonce(deps, nonce)).toBe(false)
  })

  it.each<[string, (nonce: string) => string | undefined]>([
    ['no nonce', () => undefined],
    ['an empty nonce', () => ''],
    ['another text', () => 'nonce'],
    ['a later expiry', (nonce) => nonce.replace(/\.(\d+)\./, (_, exp) => `.${Number(exp) + 1}.`)],
    ['another key of the deployment', (nonce) => nonce.replace(first?.id ?? '', second?.id ?? '')],
    ['an unknown key', (nonce) => nonce.replace(first?.id ?? '', 'key_3')],
    ['a changed MAC', (nonce) => nonce.replace(/.{3}$/, 'AAA')],
    ['no MAC', (nonce) => nonce.replace(/[^.]*$/, '')],
    ['a fourth part', (nonce) => `${nonce}.x`],
  ])('refuses %s', async (_, change) => {
    expect(await checkNonce(deps, change(await createNonce(deps)))).toBe(false)
  })
})
