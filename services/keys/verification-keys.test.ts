import { jwkThumbprint, type PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Prisma } from '../../gen/prisma/client.ts'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { testDatabase } from '../../test/support/database.ts'
import { signBytes, testTokenKey } from '../../test/support/token-keys.ts'
import { insertTokenKey } from '../../test/support/tokens.ts'
import { GRANT, INTROSPECTION } from './domain/key-kinds.ts'
import { createVerificationKeys } from './verification-keys.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.jwksKey.deleteMany()
})

const insertKey = async (state: KeyState) => (await insertTokenKey(database.db, state)).kid

async function insertRow(kid: string, publicJwk: object, alg = 'EdDSA'): Promise<void> {
  const wrapped = { wrappedKey: new Uint8Array(8), kekId: 'k' }
  await prisma.jwksKey.create({
    data: { kid, purpose: 'access_token', alg, state: 'prepared', publicJwk, ...wrapped },
  })
}

function setUp(maxAgeMs?: number) {
  const clock = { now: 0 }
  const read = vi.spyOn(prisma.jwksKey, 'findMany')
  read.mockClear()
  return { clock, read, keys: createVerificationKeys(prisma, () => clock.now, maxAgeMs) }
}

describe('createVerificationKeys', () => {
  it('finds keys in every state, and lists them in the order of their creation', async () => {
    const states: KeyState[] = ['prepared', 'active', 'retiring', 'retired', 'compromised']
    const kids: string[] = []
    for (const state of states) kids.push(await insertKey(state))
    const { keys } = setUp()
    for (const [index, kid] of kids.entries()) {
      expect(await keys.find(kid)).toMatchObject({ kid, alg: 'EdDSA', state: states[index] })
    }
    expect((await keys.list()).map(({ kid }) => kid)).toEqual(kids)
  })

  it.each(TOKEN_ALGORITHMS)('verifies a signature of a %s key', async (alg) => {
    const { kid, jwk, privateKey } = testTokenKey(alg)
    await insertRow(kid, jwk, alg)
    const key = await setUp().keys.find(kid)
    const signature = signBytes(alg, privateKey, Buffer.from('input'))
    expect(key).toMatchObject({ kid, alg, jwk })
    expect(key?.verify(Buffer.from('input'), signature)).toBe(true)
    expect(key?.verify(Buffer.from('inpat'), signature)).toBe(false)
  })

  const { jwk, kid } = testTokenKey('EdDSA')
  const es256 = testTokenKey('ES256')
  const smallOrder: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') }
  it.each<[string, string, object, string]>([
    ['no members', 'k', {}, 'EdDSA'],
    ['an array', 'k', [], 'EdDSA'],
    ['a number as x', 'k', { ...jwk, x: 1 }, 'EdDSA'],
    ['a short x', 'k', { ...jwk, x: 'AA' }, 'EdDSA'],
    ['a private member', kid, { ...jwk, d: 'AA' }, 'EdDSA'],
    ['a point of small order', jwkThumbprint(smallOrder), smallOrder, 'EdDSA'],
    ['the key of another algorithm', kid, jwk, 'ES256'],
    ['a P-256 key as EdDSA', es256.kid, es256.jwk, 'EdDSA'],
    ['a kid that is no thumbprint', 'k', jwk, 'EdDSA'],
    ['the kid of another key', es256.kid, jwk, 'EdDSA'],
    ['the kid in upper case', kid.toUpperCase(), jwk, 'EdDSA'],
  ])('leaves out a row with %s', async (_name, rowKid, publicJwk, alg) => {
    const good = await insertKey('active')
    await insertRow(rowKid, publicJwk, alg)
    const { keys } = setUp()
    expect((await keys.list()).map((key) => key.kid)).toEqual([good])
    expect(await keys.find(rowKid)).toBeUndefined()
  })

  it('imports a key once, and again only when its alg or JWK has changed', async () => {
    await insertRow(kid, jwk)
    const { keys, clock } = setUp()
    const first = await keys.find(kid)
    clock.now = 10_001
    await prisma.jwksKey.update({ where: { kid }, data: { state: 'active' } })
    const second = await keys.find(kid)
    expect(second?.state).toBe('active')
    expect(second?.verify).toBe(first?.verify)

    await prisma.jwksKey.deleteMany()
    await insertRow(kid, jwk, 'Ed25519')
    clock.now = 20_002
    const third = await keys.find(kid)
    expect(third?.alg).toBe('Ed25519')
    expect(third?.verify).not.toBe(first?.verify)

    await prisma.jwksKey.deleteMany()
    await insertRow(kid, { ...jwk, d: 'AA' }, 'Ed25519')
    clock.now = 30_003
    expect(await keys.find(kid)).toBeUndefined()
  })

  it('reads the database once for many calls, and again after 10 seconds', async () => {
    const a = await insertKey('active')
    const { keys, read, clock } = setUp()
    await Promise.all(Array.from({ length: 20 }, () => keys.find(a)))
    clock.now = 10_000
    await keys.find(a)
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 10_001
    await keys.list()
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('lists an introspection key but does not find it', async () => {
    const token = await insertKey('active')
    await prisma.jwksKey.create({
      data: { ...INTROSPECTION, kid, publicJwk: jwk, state: 'active', wrappedKey: new Uint8Array(8), kekId: 'k' },
    })
    const { keys, read } = setUp()
    expect(await keys.find(kid)).toBeUndefined()
    expect(await keys.findNow(kid)).toBeUndefined()
    const listed = [
      { kid: token, purpose: 'access_token' },
      { kid, purpose: 'introspection', alg: 'EdDSA', state: 'active' },
    ]
    expect(await keys.list()).toMatchObject(listed)
    expect(read).toHaveBeenCalledTimes(2)
    expect(await keys.listNow()).toMatchObject(listed)
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('finds a grant key only among the grant keys, and a token key only among the token keys', async () => {
    const token = await insertKey('active')
    await prisma.jwksKey.create({
      data: { ...GRANT, kid, publicJwk: jwk, state: 'active', wrappedKey: new Uint8Array(8), kekId: 'k' },
    })
    const { keys } = setUp()
    for (const name of ['find', 'findNow'] as const) {
      expect(await keys.grantKeys[name](kid)).toMatchObject({ kid, alg: 'Ed25519' })
      expect(await keys.grantKeys[name](token)).toBeUndefined()
      expect(await keys[name](kid)).toBeUndefined()
      expect(await keys[name](token)).toMatchObject({ kid: token })
    }
  })

  it('does not read the private half of a key', async () => {
    await insertKey('active')
    const { keys, read } = setUp()
    await keys.list()
    expect(Object.keys(read.mock.calls[0]?.[0]?.select ?? {}).toSorted()).toEqual([
      'alg',
      'kid',
      'publicJwk',
      'purpose',
      'state',
    ])
  })

  it('finds a new key after a second, and a changed state after 10 seconds', async () => {
    const a = await insertKey('active')
    const { keys, clock } = setUp()
    await keys.list()
    const b = await insertKey('prepared')
    await prisma.jwksKey.update({ where: { kid: a }, data: { state: 'retiring' } })
    clock.now = 1_001
    expect(await keys.find(b)).toMatchObject({ state: 'prepared' })
    await prisma.jwksKey.update({ where: { kid: a }, data: { state: 'retired', externalRef: Prisma.DbNull } })
    clock.now = 11_002
    expect(await keys.find(a)).toMatchObject({ state: 'retired' })
  })

  it('reads again after maxAgeMs, for known and for unknown keys', async () => {
    const a = await insertKey('active')
    const { keys, read, clock } = setUp(300)
    await keys.find(a)
    clock.now = 300
    await keys.find(a)
    await keys.find('unknown')
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 301
    await keys.find(a)
    expect(read).toHaveBeenCalledTimes(2)
    clock.now = 602
    await keys.find('unknown')
    await keys.find('unknown')
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('reads the database at most once a second for any number of unknown kids', async () => {
    const { keys, read, clock } = setUp()
    await Promise.all(Array.from({ length: 50 }, (_, index) => keys.find(`u${index}`)))
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 1_000
    await keys.find('u0')
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 1_001
    await Promise.all(Array.from({ length: 50 }, (_, index) => keys.find(`u${index}`)))
    expect(read).toHaveBeenCalledTimes(2)
  })

  it.each(['__proto__', 'constructor', ''])('finds no key with the kid "%s"', async (name) => {
    expect(await setUp().keys.find(name)).toBeUndefined()
  })

  it('rejects when its keys are old and the database fails, and recovers at the next call', async () => {
    const a = await insertKey('active')
    const { keys, read, clock } = setUp()
    await keys.list()
    clock.now = 10_001
    read.mockRejectedValueOnce(new Error('away'))
    await expect(keys.find(a)).rejects.toThrow('away')
    expect(await keys.find(a)).toMatchObject({ state: 'active' })
  })
})

it('findNow reads the current state of a key, and find returns that state afterwards', async () => {
  const kid = await insertKey('prepared')
  const { keys, read } = setUp()
  expect(await keys.find(kid)).toMatchObject({ state: 'prepared' })
  await prisma.jwksKey.update({ where: { kid }, data: { state: 'active' } })
  expect(await keys.find(kid)).toMatchObject({ state: 'prepared' })
  expect(await keys.findNow(kid)).toMatchObject({ state: 'active' })
  expect(await keys.find(kid)).toMatchObject({ state: 'active' })
  expect(read).toHaveBeenCalledTimes(2)
})

it('findNow shares one read among several calls, and does not use a read that began before the calls', async () => {
  const kid = await insertKey('prepared')
  const { keys, read } = setUp()
  const before = keys.find(kid)
  const asked = Promise.all(Array.from({ length: 50 }, () => keys.findNow(kid)))
  await before
  await prisma.jwksKey.update({ where: { kid }, data: { state: 'active' } })
  await asked
  expect(read).toHaveBeenCalledTimes(2)
  expect(await keys.findNow(kid)).toMatchObject({ state: 'active' })
})
