import { describe, expect, it } from 'vitest'
import { accessToken, GOOD_CLAIMS, knownKey } from '../../../../test/support/access-tokens.ts'
import { ISSUER } from '../../../../test/support/assertions.ts'
import type { KeyFinder, VerificationKey } from './access-token.ts'
import { createGenuineTokens } from './genuine-tokens.ts'

/** Makes tokens that one key signs, and counts how often a signature was checked. The test may change the key. */
function setUp({ state = 'active', capacity = 100 }: { state?: VerificationKey['state']; capacity?: number } = {}) {
  const { pair, entry } = knownKey(state)
  let signatures = 0
  const counted: VerificationKey = {
    ...entry,
    verify(signingInput, signature) {
      signatures += 1
      return entry.verify(signingInput, signature)
    },
  }
  let current: VerificationKey | undefined = counted
  const find = async (kid: string) => (kid === current?.kid ? current : undefined)
  const keys: KeyFinder = { find, findNow: find }
  const tokens = createGenuineTokens(ISSUER, keys, capacity)
  return {
    tokens,
    token: (jti: string, claims: object = {}) => accessToken(pair, {}, { jti, ...claims }),
    become(change: Partial<VerificationKey> | undefined) {
      current = change && { ...counted, ...change }
    },
    get signatures() {
      return signatures
    },
  }
}

it('createGenuineTokens verifies the signature of a repeated token once and returns the same object', async () => {
  const set = setUp()
  const token = set.token('a')
  const first = await set.tokens(token)
  expect(first).toMatchObject({ claims: { ...GOOD_CLAIMS, jti: 'a' } })
  expect(await set.tokens(token)).toBe(first)
  // The next request has the same text in another string object.
  expect(await set.tokens(Buffer.from(token).toString())).toBe(first)
  expect(set.signatures).toBe(1)
})

describe('a remembered token', () => {
  it.each<[string, Partial<VerificationKey> | undefined, object]>([
    ['is refused after its key is retired', { state: 'retired' }, { verdict: 'UNKNOWN_KEY' }],
    ['is refused after its key is compromised', { state: 'compromised' }, { verdict: 'UNKNOWN_KEY' }],
    ['is refused after its key is gone', undefined, { verdict: 'UNKNOWN_KEY' }],
    ['stays valid while its key is retiring', { state: 'retiring' }, { claims: { jti: 'a' } }],
    [
      'is refused after another key with the same kid has replaced its key',
      { verify: () => false },
      { verdict: 'SIGNATURE_INVALID' },
    ],
  ])('%s', async (_name, change, verdict) => {
    const set = setUp()
    const token = set.token('a')
    expect(await set.tokens(token)).toMatchObject({ claims: { jti: 'a' } })
    set.become(change)
    expect(await set.tokens(token)).toMatchObject(verdict)
  })

  it.each<[string, (token: string) => string]>([
    ['white space at the end', (token) => `${token} `],
    ['padding', (token) => `${token}==`],
    [
      'unused bits set in its last character',
      (token) => token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1),
    ],
  ])('is refused with %s', async (_name, change) => {
    const set = setUp()
    const token = set.token('a')
    await set.tokens(token)
    expect(await set.tokens(change(token))).toEqual({ verdict: 'MALFORMED_TOKEN' })
  })
})

describe('createGenuineTokens does not remember', () => {
  it('a forged token', async () => {
    const set = setUp()
    const forged = set.token('a').replace(/.{20}$/, 'A'.repeat(20))
    for (let time = 1; time <= 3; time += 1) {
      expect(await set.tokens(forged)).toEqual({ verdict: 'SIGNATURE_INVALID' })
      expect(set.signatures).toBe(time)
    }
  })

  it('the refusal of a token while its key is prepared', async () => {
    const set = setUp({ state: 'prepared' })
    const token = set.token('a')
    expect(await set.tokens(token)).toEqual({ verdict: 'UNKNOWN_KEY' })
    set.become({ state: 'active' })
    expect(await set.tokens(token)).toMatchObject({ claims: { jti: 'a' } })
  })

  it('a long token', async () => {
    const set = setUp()
    const token = set.token('a', {
      aud: Array.from({ length: 8 }, (_, index) => `https://${index}${'a'.repeat(230)}.example`),
    })
    await set.tokens(token)
    await set.tokens(token)
    expect(set.signatures).toBe(2)
  })

  it('more tokens than its capacity: the oldest leaves first', async () => {
    const set = setUp({ capacity: 2 })
    const [first, second, third] = ['a', 'b', 'c'].map((jti) => set.token(jti))
    for (const token of [first, second, third, third, second]) await set.tokens(token ?? '')
    expect(set.signatures).toBe(3)
    await set.tokens(first ?? '')
    expect(set.signatures).toBe(4)
  })
})
