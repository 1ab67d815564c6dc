import { describe, expect, it, vi } from 'vitest'
import { asAdmin } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { keyFromElsewhere, rotatingKeys, TIMES } from '../../test/support/rotating-keys.ts'
import { KEY_KINDS, type KeyKind } from './domain/key-kinds.ts'

const { prisma, instance, started, rowsOf, statesOf, activeKid, auditOf, everything, move } = rotatingKeys()

describe('runSchedule', () => {
  it('gives every purpose and algorithm one active and two prepared keys, and then changes nothing', async () => {
    const { keys } = await started()
    for (const { purpose, alg } of KEY_KINDS)
      expect(await statesOf(alg, purpose)).toEqual(['active', 'prepared', 'prepared'])
    const before = await everything()
    await keys.runSchedule()
    expect(await everything()).toEqual(before)
  })

  it('rotates by age, retires a key when its last token has expired, and audits and logs each step', async () => {
    const { keys, clock, logged } = await started()
    const first = await activeKid('ES256')
    clock.s = 999
    await keys.runSchedule()
    expect(await activeKid('ES256')).toBe(first)
    clock.s = 1000
    await keys.runSchedule()
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    // The age of the state counts from this pass, because it is the first pass that sees the state.
    await keys.runSchedule()
    clock.s = 1499
    await keys.runSchedule()
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    clock.s = 1500
    await keys.runSchedule()
    const [gone] = await rowsOf('ES256')
    expect(gone).toMatchObject({ kid: first, state: 'retired', wrappedKey: null, kekId: null })
    expect(gone?.publicJwk).toMatchObject({ kty: 'EC' })
    for (const moment of [gone?.activatedAt, gone?.retiringAt, gone?.retiredAt]) expect(moment).toBeInstanceOf(Date)
    expect((await auditOf(first)).map(({ action, actor }) => `${action} by ${actor}`)).toEqual([
      'key.create by system',
      'key.retiring by system',
      'key.retire by system',
    ])
    expect(logged).toContainEqual({ kid: first, purpose: 'access_token', alg: 'ES256', state: 'retired' })
  })

  it('rotates and retires when no key can be generated', async () => {
    await started()
    await prisma()
      .$executeRaw`UPDATE jwks_keys SET activated_at = activated_at - interval '1 hour', created_at = created_at - interval '1 hour'`
    const { keys } = instance({ generate: () => Promise.reject(new Error('the token is away')) })
    await expect(keys.runSchedule()).rejects.toThrow('the token is away')
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared'])
  })

  it('rotates at once after a month without processes, and keeps the prepared keys', async () => {
    await started()
    await prisma().$executeRaw`
      UPDATE jwks_keys SET created_at = created_at - interval '40 days', activated_at = activated_at - interval '40 days'`
    const { keys } = instance()
    await keys.runSchedule()
    expect(await statesOf('EdDSA')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
  })

  it('publishes the first key of an algorithm that is added later before it becomes active', async () => {
    const { keys, clock } = await started()
    await prisma().jwksKey.deleteMany({ where: { alg: 'RS256' } })
    await keys.runSchedule()
    expect(await statesOf('RS256')).toEqual(['prepared', 'prepared'])
    await keys.runSchedule()
    clock.s = 99
    await keys.runSchedule()
    expect(await statesOf('RS256')).toEqual(['prepared', 'prepared'])
    clock.s = 100
    await keys.runSchedule()
    expect(await statesOf('RS256')).toEqual(['active', 'prepared', 'prepared'])
  })

  it('publishes the first introspection keys of an upgraded deployment before one of them signs', async () => {
    const { keys, clock } = await started()
    await prisma().jwksKey.deleteMany({ where: { purpose: 'introspection' } })
    const tokenKeys = await rowsOf('EdDSA')
    await keys.runSchedule()
    await keys.runSchedule()
    clock.s = 99
    await keys.runSchedule()
    expect(await statesOf('EdDSA', 'introspection')).toEqual(['prepared', 'prepared'])
    clock.s = 100
    await keys.runSchedule()
    expect(await statesOf('EdDSA', 'introspection')).toEqual(['active', 'prepared', 'prepared'])
    expect(await rowsOf('EdDSA')).toEqual(tokenKeys)
  })

  it('leaves alone a key whose purpose a newer version has added', async () => {
    const { keys, clock } = await started()
    await prisma().$executeRaw`ALTER TYPE key_purpose ADD VALUE 'future'`
    await prisma().$executeRaw`
      INSERT INTO jwks_keys (kid, purpose, alg, state, public_jwk, external_ref)
      VALUES ('k', 'future', 'EdDSA', 'retired', '{}', '{}')`
    clock.s = 100
    await keys.runSchedule()
    expect((await keys.list()).map(({ kid }) => kid)).not.toContain('k')
  })

  it('makes each change once when two processes run it at the same time, and destroys the unused keys', async () => {
    const destroyed: string[] = []
    const destroy = async ({ kid }: { kid: string }) => destroyed.push(kid) > 0
    await started()
    await prisma()
      .$executeRaw`UPDATE jwks_keys SET activated_at = activated_at - interval '1 hour', created_at = created_at - interval '1 hour'`
    await Promise.all([instance({ destroy }), instance({ destroy })].map(({ keys }) => keys.runSchedule()))
    for (const { purpose, alg } of KEY_KINDS) {
      expect(await statesOf(alg, purpose)).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    }
    const kids = (await prisma().jwksKey.findMany()).map(({ kid }) => kid)
    for (const kid of destroyed) expect(kids).not.toContain(kid)
    expect(await prisma().auditLog.count({ where: { action: 'key.activate' } })).toBe(KEY_KINDS.length)
  })

  it('adds no key of one purpose for another, when other keys change while it generates', async () => {
    const { keys } = await started()
    for (const purpose of ['access_token', 'introspection'] as const)
      await prisma().jwksKey.delete({ where: { kid: (await rowsOf('EdDSA', purpose)).at(-1)?.kid ?? '' } })
    const generate = vi.fn(async (kind: KeyKind) => {
      // The reserve of token keys is full again before the transaction begins.
      if (kind.purpose === 'introspection') await keys.add(asAdmin(), await keyFromElsewhere(), '')
      return keyFromElsewhere(kind)
    })
    await instance({ generate }).keys.runSchedule()
    expect(generate).toHaveBeenCalledTimes(2)
    for (const purpose of ['access_token', 'introspection'] as const)
      expect(await statesOf('EdDSA', purpose)).toEqual(['active', 'prepared', 'prepared'])
  })

  it('tries again when the private half of a compromised key could not be destroyed', async () => {
    await started()
    const kid = await activeKid('EdDSA')
    await prisma().$executeRaw`
      UPDATE jwks_keys SET wrapped_key = NULL, kek_id = NULL, external_ref = '{"id":"aa"}', state = 'compromised'
      WHERE kid = ${kid}`
    const destroyed: string[] = []
    let isAway = true
    const { keys } = instance({
      async destroy(key) {
        if (isAway) throw new Error('the token is away')
        return destroyed.push(key.kid) > 0
      },
    })
    await expect(keys.runSchedule()).rejects.toThrow('the token is away')
    isAway = false
    await keys.runSchedule()
    await keys.runSchedule()
    expect(destroyed).toEqual([kid])
  })
})

it('ensureFirst writes the times of keys by the clock of the database, not by the clock of the process', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 })
  try {
    await instance().keys.ensureFirst()
  } finally {
    vi.useRealTimers()
  }
  for (const { createdAt, activatedAt } of await rowsOf('EdDSA')) {
    expect(Math.abs(createdAt.getTime() - Date.now())).toBeLessThan(60_000)
    expect(activatedAt).toEqual(createdAt)
  }
})

it('rotate in a new process subtracts the longest time of a commit from the age of a key', async () => {
  await started()
  const since = new Date(Date.now() - TIMES.publishS * 1000 - 2_000)
  await prisma().jwksKey.updateMany({ where: { state: 'prepared' }, data: { createdAt: since } })
  const { keys, clock } = instance()
  expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBe('KEY_NOT_READY')
  clock.s = 5
  expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBeUndefined()
})

describe('the table jwks_keys', () => {
  it.each([
    ['retiring', 'active'],
    ['retiring', 'prepared'],
    ['active', 'prepared'],
    ['prepared', 'retiring'],
    ['compromised', 'active'],
  ])('refuses to change the state of a key from %s to %s', async (from, to) => {
    const { keys } = await started()
    const kid = from === 'prepared' ? ((await rowsOf('EdDSA'))[1]?.kid ?? '') : await activeKid('EdDSA')
    if (from === 'retiring') await move(kid, from)
    if (from === 'compromised') await keys.compromise(asAdmin(), { kid, force: true }, '')
    await expect(move(kid, to)).rejects.toThrow(`a signing key does not go from ${from} to ${to}`)
  })

  it('refuses to change the algorithm of a key', async () => {
    await started()
    const kid = await activeKid('EdDSA')
    const change = prisma().jwksKey.update({ where: { kid }, data: { alg: 'Ed25519' } })
    await expect(change).rejects.toThrow('a signing key is what it is')
  })

  it('refuses a second active key of an algorithm', async () => {
    await started()
    const [, prepared] = await rowsOf('EdDSA')
    await expect(move(prepared?.kid ?? '', 'active')).rejects.toThrow('jwks_keys_active')
  })
})
