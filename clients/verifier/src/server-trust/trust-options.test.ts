import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { createVerifier, type ServerTrustOptions } from '@auth4agent/verifier'
import { describe, expect, it } from 'vitest'
import { readOptions } from '../options.ts'

const { publicKey } = generateKeyPair()
const key = { publicKey, sign: async () => new Uint8Array(64) }
const revocations = { operatorId: 'c0000000-0000-8000-8000-000000000001', key }
const followed = { issuer: 'https://alpha.example', revocations }
const good: ServerTrustOptions = {
  issuer: 'https://beta.example/auth',
  audience: 'https://api.cargo.example',
  operators: ['cargo.example'],
  revocations,
  trust: 'server',
}

/** A caller in JavaScript, which may pass anything. */
const create: (options: object) => unknown = (options) => createVerifier({ ...good, ...options })

const WRONG: readonly (readonly [name: string, edits: object, message: string])[] = [
  ['issuers', { issuers: [followed] }, 'options must have either issuers or trust'],
  ['trust that is not set', { trust: undefined }, "trust must be 'server', or must be left out"],
  ['another trust', { trust: 'any' }, "trust must be 'server', or must be left out"],
  ['no revocations', { revocations: 'none' }, 'revocations must be { operatorId, key } with trust'],
  ['an authorization', { revocations: { authorization: async () => '' } }, 'revocations must be { operatorId, key }'],
  ['a feed', { revocations: { open: async function* () {} } }, 'revocations must be { operatorId, key } with trust'],
  ['follow without issuers', { follow: [] }, 'follow must be a list of 1 to 32 issuers'],
  ['follow that is no list', { follow: followed }, 'follow must be a list of 1 to 32 issuers'],
  ['33 issuers to follow', { follow: Array.from({ length: 33 }, () => followed) }, 'follow must be a list of 1 to 32'],
  ['follow with a text', { follow: ['https://alpha.example'] }, 'follow must be a list of objects'],
  ['an issuer twice', { follow: [followed, followed] }, 'follow must not name https://alpha.example twice'],
  [
    'the own issuer to follow',
    { follow: [{ ...followed, issuer: good.issuer }] },
    'follow must not name the own issuer https://beta.example/auth, which is always followed',
  ],
  ['an issuer with a slash', { follow: [{ ...followed, issuer: 'https://alpha.example/' }] }, 'follow must name each'],
  ['follow with none', { follow: [{ ...followed, revocations: 'none' }] }, 'follow must have revocations'],
  ['an unknown option of follow', { follow: [{ ...followed, scopes: {} }] }, '"scopes"'],
  ['a short staleness', { follow: [{ ...followed, maxStaleness: 1 }] }, 'maxStaleness'],
  ['no operators', { operators: [] }, 'operators must be a list'],
]

describe('createVerifier with trust', () => {
  it.each(WRONG)('refuses %s', (_, edits, message) => {
    expect(() => create(edits)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }),
    )
  })

  it('refuses follow without trust', () => {
    const { trust: _, ...rest } = { ...good, follow: [followed] }
    expect(() => createVerifier(rest)).toThrow(/"follow"/)
  })

  it('has the defaults of the documentation', () => {
    expect(readOptions({ ...good, follow: [followed] }).trust).toEqual({
      ...revocations,
      follow: [{ ...followed, maxStalenessMs: 5_000 }],
    })
    expect(readOptions(good).trust).toEqual({ ...revocations, follow: [] })
  })
})
