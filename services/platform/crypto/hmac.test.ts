import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { hmacSha256, importHmacKey, verifyHmacSha256 } from './hmac.ts'

/** RFC 4231 section 4.3, test case 2. */
const KEY = importHmacKey(Buffer.from('Jefe'))
const MESSAGE = Buffer.from('what do ya want for nothing?')
const MAC = Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex')

it('hmacSha256 returns the HMAC of the test vector in RFC 4231', () => {
  expect(hmacSha256(KEY, MESSAGE).toString('hex')).toBe(MAC.toString('hex'))
})

it('importHmacKey copies the bytes and hides them when the key is printed', () => {
  const bytes = Buffer.from('Jefe')
  const key = importHmacKey(bytes)
  bytes.fill(0)
  expect(verifyHmacSha256(key, MAC, MESSAGE)).toBe(true)
  expect(`${inspect(key, { depth: 9, showHidden: true })} ${JSON.stringify(key)}`).not.toMatch(/Jefe|4a656665|74,/i)
})

describe('verifyHmacSha256', () => {
  it.each([
    ['accepts the right HMAC', MESSAGE, MAC, true],
    ['refuses the HMAC of another message', Buffer.concat([MESSAGE, Buffer.from(' ')]), MAC, false],
    ['refuses a changed bit', MESSAGE, Buffer.from(MAC.map((byte, index) => (index === 31 ? byte ^ 1 : byte))), false],
    ['refuses a truncated HMAC', MESSAGE, MAC.subarray(0, 16), false],
    ['refuses an empty HMAC', MESSAGE, Buffer.alloc(0), false],
    ['refuses a longer HMAC', MESSAGE, Buffer.concat([MAC, Buffer.alloc(1)]), false],
  ])('%s', (_name, message, mac, valid) => {
    expect(verifyHmacSha256(KEY, mac, message)).toBe(valid)
  })

  it('refuses another key', () => {
    expect(verifyHmacSha256(importHmacKey(Buffer.from('jefe')), MAC, MESSAGE)).toBe(false)
  })
})
