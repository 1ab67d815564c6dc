import { createHmac } from 'node:crypto'
import { type ChallengeContent, readChallenge } from '@auth4agent/core/identity/challenge'
import { describe, expect, it } from 'vitest'
import { hmacSha256, importHmacKey } from '../../platform/crypto/hmac.ts'
import { isAuthentic, parseChallenge, sealChallenge } from './seal-challenge.ts'

const KEY_BYTES = new Uint8Array(32).fill(1)
const KEY = importHmacKey(KEY_BYTES)
const OTHER_KEY = importHmacKey(new Uint8Array(32).fill(2))
const NONCE = Uint8Array.from({ length: 16 }, (_, index) => 255 - index)
const NONCE_TEXT = Buffer.from(NONCE).toString('base64url')
const CONTENT: ChallengeContent = {
  v: 1,
  iss: 'https://auth.example',
  did: 'did:agent:acme.example:0123456789abcdef0123456789abcdef',
  exp: 1_800_000_000,
  kid: 'slot-key',
  scope: 'read write',
  aud: ['https://api.acme.example'],
  ttl: 900,
}
const CHALLENGE = sealChallenge(CONTENT, NONCE, KEY)

function opens(challenge: string, nonce = NONCE_TEXT, key = KEY): boolean {
  const sealed = parseChallenge(challenge, nonce)
  return sealed !== undefined && isAuthentic(sealed, key)
}

/** Returns the sealed bytes, changed and encoded again. */
function changed(change: (bytes: Buffer) => Buffer): string {
  return change(Buffer.from(CHALLENGE, 'base64url')).toString('base64url')
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  return bytes
}

/** Returns any text with a correct MAC. */
function sealedText(text: string): string {
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes, hmacSha256(KEY, Buffer.concat([bytes, NONCE]))]).toString('base64url')
}

describe('a sealed challenge', () => {
  it('opens with its nonce and key, and contains what was sealed', () => {
    expect(opens(CHALLENGE)).toBe(true)
    expect(parseChallenge(CHALLENGE, NONCE_TEXT)).toMatchObject({ content: CONTENT })
  })

  it('can be read by a client without the key', () => {
    expect(readChallenge(CHALLENGE)).toEqual(CONTENT)
  })

  it('ends with the MAC over the JSON and the nonce', () => {
    const bytes = Buffer.from(CHALLENGE, 'base64url')
    const mac = createHmac('sha256', KEY_BYTES).update(bytes.subarray(0, -32)).update(NONCE).digest()
    expect(bytes.subarray(-32)).toEqual(mac)
  })

  it('does not open when one bit of any byte is changed', () => {
    const size = Buffer.from(CHALLENGE, 'base64url').length
    const opened = Array.from({ length: size }, (_, at) => at).filter((at) =>
      opens(changed((bytes) => flip(bytes, at))),
    )
    expect(opened).toEqual([])
  })

  it.each<[string, string]>([
    ['the empty text', ''],
    ['only a MAC', Buffer.alloc(32).toString('base64url')],
    ['a challenge without its last byte', changed((bytes) => bytes.subarray(0, -1))],
    ['a challenge without its MAC', changed((bytes) => bytes.subarray(0, -32))],
    ['a challenge with one more byte', changed((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))],
    ['a challenge with padding', `${CHALLENGE}${'='.repeat((4 - (CHALLENGE.length % 4)) % 4 || 4)}`],
    ['a challenge with white space', `${CHALLENGE} `],
    ['a challenge with a line break inside', `${CHALLENGE.slice(0, 8)}\n${CHALLENGE.slice(8)}`],
    ['a challenge in standard base64', Buffer.from(CHALLENGE, 'base64url').toString('base64').replace(/=*$/, '+')],
    [
      'another content under the old MAC',
      changed((bytes) => Buffer.from(bytes.toString('latin1').replace('read', 'root'), 'latin1')),
    ],
    ['JSON that is not an object', sealedText('"text"')],
    ['JSON null', sealedText('null')],
    ['a key id that is not a text', sealedText(JSON.stringify({ ...CONTENT, kid: 1 }))],
    ['deeply nested JSON', Buffer.concat([Buffer.from('['.repeat(18_000)), Buffer.alloc(32)]).toString('base64url')],
    ['a text beyond the maximum length', Buffer.alloc(20_000, '{').toString('base64url')],
  ])('does not open when it is %s', (_, challenge) => {
    expect(opens(challenge)).toBe(false)
  })

  it.each<[string, string]>([
    ['another nonce', Buffer.alloc(16).toString('base64url')],
    ['an empty nonce', ''],
    ['a nonce of 15 bytes', Buffer.from(NONCE.subarray(1)).toString('base64url')],
    ['a nonce of 17 bytes', Buffer.concat([NONCE, Buffer.alloc(1)]).toString('base64url')],
    ['a nonce with padding', `${NONCE_TEXT}==`],
    ['a nonce with other trailing bits', `${NONCE_TEXT.slice(0, -1)}x`],
    ['a nonce in hexadecimal', Buffer.from(NONCE).toString('hex')],
  ])('does not open with %s', (_, nonce) => {
    expect(opens(CHALLENGE, nonce)).toBe(false)
  })

  it('does not open when a byte moves from the nonce into the JSON', () => {
    const moved = changed((bytes) => Buffer.concat([bytes.subarray(0, -32), NONCE.subarray(0, 1), bytes.subarray(-32)]))
    expect(opens(moved, Buffer.from(NONCE.subarray(1)).toString('base64url'))).toBe(false)
  })

  it('does not open under another key', () => {
    expect(opens(CHALLENGE, NONCE_TEXT, OTHER_KEY)).toBe(false)
  })
})
