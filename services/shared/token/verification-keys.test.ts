import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeyState } from '../../../gen/prisma/enums.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { encodeBase64url } from '../crypto/base64.ts'
import { generateKeyPair } from '../crypto/ed25519.ts'
import { createVerificationKeys } from './verification-keys.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.jwksKey.deleteMany()
})

async function insertKey(kid: string, state: KeyState, publicJwk: object = freshJwk()): Promise<void> {
  const isGone = state === 'retired' || state === 'compromised'
  const wrapped = isGone ? {} : { wrappedKey: new Uint8Array(8), kekId: 'k' }
  await prisma.jwksKey.create({ data: { kid, purpose: 'access_token', alg: 'EdDSA', state, publicJwk, ...wrapped } })
}

function freshJwk() {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(generateKeyPair().publicKey) }
}

function setUp() {
  const clock = { now: 0 }
  const read = vi.spyOn(prisma.jwksKey, 'findMany')
  read.mockClear()
  return { clock, read, keys: createVerificationKeys(prisma, () => clock.now) }
}

describe('createVerificationKeys', () => {
  it('finds keys in every state, with their algorithm and public half', async () => {
    const states: KeyState[] = ['prepared', 'active', 'retiring', 'retired', 'compromised']
    for (const state of states) await insertKey(state, state)
    const { keys } = setUp()
    for (const state of states) expect(await keys.find(state)).toMatchObject({ kid: state, alg: 'EdDSA', state })
    expect((await keys.list()).map(({ kid }) => kid)).toEqual(states)
  })

  it('leaves out rows whose public half is none', async () => {
    const broken = [{}, { x: 1 }, { x: 'AA' }, { x: `${freshJwk().x}=` }]
    for (const [index, jwk] of broken.entries()) await insertKey(`k${index}`, 'prepared', jwk)
    await insertKey('array', 'prepared', [])
    expect(await setUp().keys.list()).toEqual([])
  })

  it('reads once for many calls, and again after ten seconds', async () => {
    await insertKey('a', 'active')
    const { keys, read, clock } = setUp()
    await Promise.all(Array.from({ length: 20 }, () => keys.find('a')))
    clock.now = 10_000
    await keys.find('a')
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 10_001
    await keys.list()
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('sees within a second a key that it did not know, and within ten a change of state', async () => {
    await insertKey('a', 'active')
    const { keys, clock } = setUp()
    await keys.list()
    await insertKey('b', 'prepared')
    await prisma.jwksKey.update({ where: { kid: 'a' }, data: { state: 'retiring' } })
    clock.now = 1_001
    expect(await keys.find('b')).toMatchObject({ state: 'prepared' })
    await prisma.jwksKey.update({ where: { kid: 'a' }, data: { state: 'retired', wrappedKey: null } })
    clock.now = 11_002
    expect(await keys.find('a')).toMatchObject({ state: 'retired' })
  })

  it('reads at most once a second however many unknown kids are asked for', async () => {
    const { keys, read, clock } = setUp()
    await Promise.all(Array.from({ length: 50 }, (_, index) => keys.find(`u${index}`)))
    expect(read).toHaveBeenCalledTimes(1)
    clock.now = 1_001
    await Promise.all(Array.from({ length: 50 }, (_, index) => keys.find(`u${index}`)))
    expect(read).toHaveBeenCalledTimes(2)
  })

  it.each(['__proto__', 'constructor', ''])('knows no key by the name "%s"', async (kid) => {
    expect(await setUp().keys.find(kid)).toBeUndefined()
  })

  it('rejects while the database is away once what it knows is old, and recovers by itself', async () => {
    await insertKey('a', 'active')
    const { keys, read, clock } = setUp()
    await keys.list()
    clock.now = 10_001
    read.mockRejectedValueOnce(new Error('away'))
    await expect(keys.find('a')).rejects.toThrow('away')
    expect(await keys.find('a')).toMatchObject({ state: 'active' })
  })
})
