import { inspect } from 'node:util'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { takeInHand } from '../../../test/support/softhsm.ts'
import { createTokenProvider, rowOf, type TokenProvider } from '../../../test/support/token-provider.ts'
import { tokenKind } from '../domain/key-kinds.ts'
import type { KeyRow, NewSigningKey } from '../key-provider.ts'
import { CKA } from './constants.ts'

const INPUT = Buffer.from('a signing input')

type Alter = (row: KeyRow, other: NewSigningKey) => Partial<KeyRow>

let own: TokenProvider

beforeEach(async () => {
  own = await createTokenProvider()
})
afterEach(() => own[Symbol.asyncDispose]())

const idOf = ({ externalRef }: Pick<KeyRow, 'externalRef'>) =>
  Buffer.from(String((externalRef as Record<string, string>)['id']), 'hex')
const refer = (row: KeyRow, reference: object) => ({ externalRef: { ...(row.externalRef as object), ...reference } })
const halvesOf = (row: Pick<KeyRow, 'externalRef'>) => [{ type: CKA.ID, value: idOf(row) }]
const holds = ({ alg, publicJwk }: KeyRow, signature: Uint8Array, input = INPUT) =>
  importTokenVerifier(alg, publicJwk)?.verify(input, signature)

describe('generate', () => {
  it.each(TOKEN_ALGORITHMS)(
    'creates a key for %s whose signature jose verifies and whose kid is its thumbprint',
    async (alg) => {
      const made = await own.provider.generate(tokenKind(alg))
      const key = await own.provider.open(rowOf(made))
      const parts = [JSON.stringify({ alg, kid: made.kid }), 'text'].map((part) => encodeBase64url(Buffer.from(part)))
      const signature = await key.sign(Buffer.from(parts.join('.')))
      const jwt = [...parts, encodeBase64url(signature)].join('.')
      const verified = await compactVerify(jwt, await importJWK({ ...made.publicJwk }, alg))
      expect(Buffer.from(verified.payload).toString()).toBe('text')
      expect(made.kid).toBe(await calculateJwkThumbprint({ ...made.publicJwk }))
      expect(key.publicJwk).toEqual(made.publicJwk)
    },
  )

  it('creates an ES256 key with only canonical signatures', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('ES256')))
    const key = await own.provider.open(row)
    const signatures = await Promise.all(Array.from({ length: 40 }, () => key.sign(INPUT)))
    expect(signatures.map((signature) => holds(row, signature))).toEqual(signatures.map(() => true))
  })

  it('returns no secret of the key', async () => {
    const made = await own.provider.generate(tokenKind('EdDSA'))
    expect(made).toEqual({
      kid: expect.stringMatching(/^[\w-]{43}$/),
      purpose: 'access_token',
      alg: 'EdDSA',
      publicJwk: { kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/) },
      stored: {
        externalRef: { provider: 'pkcs11', token: 'auth4agent', id: expect.stringMatching(/^[0-9a-f]{32}$/) },
      },
    })
  })

  it('creates two labelled halves under a new id', async () => {
    const made = await own.provider.generate(tokenKind('EdDSA'))
    const { calls, session, find } = await takeInHand(own.token)
    const halves = find(halvesOf(rowOf(made)))
    const labels = halves.map((half) => calls.C_GetAttributeValue(session, half, [{ type: CKA.LABEL }])[0]?.value)
    expect(labels.map(String)).toEqual([`auth4agent ${made.kid}`, `auth4agent ${made.kid}`])
    expect(find([])).toHaveLength(2)
  })

  it('does not block the event loop', async () => {
    let turns = 0
    const count = () => {
      turns += 1
      turning = setImmediate(count)
    }
    let turning = setImmediate(count)
    await own.provider.generate(tokenKind('RS256'))
    clearImmediate(turning)
    expect(turns).toBeGreaterThan(100)
  })
})

describe('open', () => {
  it.each<[string, Alter, RegExp]>([
    ['an unknown id', (row) => refer(row, { id: '0'.repeat(32) }), /has no private key with the id 0{32}/],
    ['a malformed id', (row) => refer(row, { id: '' }), /does not refer to a key in a PKCS#11 token/],
    ['another provider', (row) => refer(row, { provider: 'kms' }), /does not refer to a key in a PKCS#11 token/],
    [
      'another hardware token',
      (row) => refer(row, { token: 'other' }),
      /is in the PKCS#11 token "other", not in "auth4agent"/,
    ],
    ['no reference', () => ({ externalRef: null }), /does not refer to a key in a PKCS#11 token/],
    ['an unknown algorithm', () => ({ alg: 'HS256' }), /HS256, which signs no tokens/],
    ['the algorithm of another key type', () => ({ alg: 'ES256' }), /public half of signing key \S+ does not match/],
    [
      "another key's public half",
      (_, { publicJwk }) => ({ publicJwk }),
      /public half of signing key \S+ does not match/,
    ],
    [
      "another key's private half",
      (_, { kid, publicJwk }) => ({ kid, publicJwk }),
      /private key with the id \S+ in the hardware token is not the private half of signing key/,
    ],
  ])('refuses a row with %s', async (_name, alter, message) => {
    const [row, other] = [
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
      await own.provider.generate(tokenKind('EdDSA')),
    ]
    await expect(own.provider.open({ ...row, ...alter(row, other) })).rejects.toThrow(message)
    expect(await own.provider.open(row)).toMatchObject({ publicJwk: row.publicJwk })
  })

  it('refuses an id of a key of another type', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    for (const alg of ['RS256', 'ES256'] as const) {
      const { externalRef } = rowOf(await own.provider.generate(tokenKind(alg)))
      await expect(own.provider.open({ ...row, externalRef })).rejects.toThrow(/is not a key for EdDSA/)
    }
  })

  it('refuses an id of two private keys', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    await giveId(rowOf(await own.provider.generate(tokenKind('EdDSA'))), idOf(row))
    await expect(own.provider.open(row)).rejects.toThrow(/must have only one private key with the id/)
  })
})

describe('sign', () => {
  it('returns the right signature to each of 200 calls at the same time', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    const key = await own.provider.open(row)
    const inputs = Array.from({ length: 200 }, (_, n) => Buffer.from(`input ${n}`))
    const signatures = await Promise.all(inputs.map((input) => key.sign(input)))
    expect(signatures.map((signature, n) => holds(row, signature, inputs[n]))).toEqual(inputs.map(() => true))
  })

  it('throws UNAVAILABLE when the key was deleted in the hardware token, and other keys still sign', async () => {
    const rows = [
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
    ] as const
    const [gone, other] = await Promise.all(rows.map((row) => own.provider.open(row)))
    const { calls, session, find } = await takeInHand(own.token)
    for (const half of find(halvesOf(rows[0]))) calls.C_DestroyObject(session, half)
    const refused = await gone?.sign(INPUT).catch((error: unknown) => error)
    expect(refused).toMatchObject({ reason: 'UNAVAILABLE', retryAfter: 1 })
    expect(own.lines.join()).toContain(`has no private key with the id ${idOf(rows[0]).toString('hex')}`)
    expect(holds(rows[1], (await other?.sign(INPUT)) ?? Buffer.alloc(0))).toBe(true)
  })

  it('throws UNAVAILABLE instead of returning the signature of another key', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    const key = await own.provider.open(row)
    const other = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    const { calls, session, find } = await takeInHand(own.token)
    for (const half of find(halvesOf(row))) calls.C_DestroyObject(session, half)
    await giveId(other, idOf(row))
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    expect(own.lines.join()).toContain('is not the private half of signing key')
  })

  it('finds the right key again after another key had its id', async () => {
    const [row, other] = [
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
    ]
    const key = await own.provider.open(row)
    const aside = { ...row, ...refer(row, { id: 'a'.repeat(32) }) }
    await giveId(row, idOf(aside))
    await giveId(other, idOf(row))
    await expect(own.provider.open(row)).rejects.toThrow(/is not the private half of signing key/)
    await giveId(row, idOf(other))
    await giveId(aside, idOf(row))
    expect(holds(row, await key.sign(INPUT))).toBe(true)
  })

  it('never shows the PIN in an error, key or log line', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    const key = await own.provider.open(row)
    const { calls, slot } = await takeInHand(own.token)
    await own.provider.destroy(row)
    calls.C_CloseAllSessions(slot)
    const errors = await Promise.allSettled([
      key.sign(INPUT),
      own.provider.open(row),
      own.provider.open({ ...row, alg: '' }),
    ])
    expect(errors.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(inspect([errors, key, own.provider, own.lines], { depth: 9 })).not.toContain(own.token.pin)
  })
})

describe('destroy', () => {
  it('destroys both halves, and does nothing when it is repeated', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    const kept = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    expect(await own.provider.destroy(row)).toBe(true)
    expect(await own.provider.destroy(row)).toBe(true)
    const { find } = await takeInHand(own.token)
    expect(find(halvesOf(row))).toEqual([])
    expect(find(halvesOf(kept))).toHaveLength(2)
  })

  it.each<[string, KeyRow['externalRef'], boolean]>([
    ['no reference', null, true],
    ['another provider', { provider: 'kms' }, false],
    ['another hardware token', { provider: 'pkcs11', token: 'other', id: '0'.repeat(32) }, false],
    ['a missing key', { provider: 'pkcs11', token: 'auth4agent', id: '0'.repeat(32) }, true],
  ])('for %s (%j) returns %s', async (_name, externalRef, isOver) => {
    expect(await own.provider.destroy({ kid: 'any', externalRef })).toBe(isOver)
  })

  it("keeps another key's objects when a row refers to them", async () => {
    const [row, other] = [
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
      rowOf(await own.provider.generate(tokenKind('EdDSA'))),
    ]
    await own.provider.destroy({ kid: row.kid, externalRef: other.externalRef })
    expect(await own.provider.open(other)).toMatchObject({ publicJwk: other.publicJwk })
    expect(own.lines.join()).toContain('with the same id but another label')
  })

  it('finds the private half after the login has ended', async () => {
    const row = rowOf(await own.provider.generate(tokenKind('EdDSA')))
    await own.provider.open(row)
    const { calls, session } = await takeInHand(own.token)
    calls.C_Logout(session)
    await own.provider.destroy(row)
    expect((await takeInHand(own.token)).find(halvesOf(row))).toEqual([])
  })
})

/** Gives a key another id. */
async function giveId(row: KeyRow, id: Buffer): Promise<void> {
  const { calls, session, find } = await takeInHand(own.token)
  for (const half of find(halvesOf(row))) calls.C_SetAttributeValue(session, half, [{ type: CKA.ID, value: id }])
}
