import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { importHmacKey } from '../../platform/crypto/hmac.ts'
import { formatRefreshToken, parseRefreshToken } from './refresh-token.ts'

const key = importHmacKey(Buffer.alloc(32, 1))

describe('a refresh token', () => {
  it.each([0, 1, 4_294_967_295])('is read as it was written, with the number %d', (n) => {
    const written = { connection: randomUUID(), n }
    const text = formatRefreshToken(key, written)
    expect(text).toMatch(/^a4r_[\w-]{70}$/)
    expect(parseRefreshToken(key, text)).toEqual(written)
  })

  const text = formatRefreshToken(key, { connection: randomUUID(), n: 1 })
  const flip = (at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  it.each<readonly [name: string, text: string]>([
    ['of another key', formatRefreshToken(importHmacKey(Buffer.alloc(32, 2)), { connection: randomUUID(), n: 1 })],
    ['with another connection', flip(5)],
    ['with another number', flip(28)],
    ['with another MAC', flip(40)],
    ['without its beginning', text.slice(4)],
    ['that is shorter', text.slice(0, -1)],
    ['that is longer', `${text}AA`],
    ['with padding', `${text}=`],
    ['with nothing', 'a4r_'],
    ['that is empty', ''],
  ])('is refused: one %s', (_, other) => {
    expect(parseRefreshToken(key, other)).toBeUndefined()
  })
})
