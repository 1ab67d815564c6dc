import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { asAdmin } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { until } from '../../../test/support/until.ts'
import { TOKEN_ALGORITHMS } from '../../shared/crypto/token-algorithms.ts'
import { generateTokenKey } from '../../shared/crypto/token-key.ts'
import { createKeyAges } from './key-ages.ts'
import type { KeyProvider, NewTokenKey } from './key-provider.ts'
import { createKeyVault } from './key-vault.ts'
import { createSealedKeys } from './sealed-keys.ts'
import { createSigningKeys } from './signing-keys.ts'

const TIMES = { rotateAfterS: 1000, publishS: 100, retireAfterS: 500 }
const sealed = createSealedKeys(createKeyVault(new Uint8Array(32).fill(7)))

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

/** An instance whose keys age as the test says. */
function instance(provider: Partial<KeyProvider> = {}) {
  const clock = { s: 0 }
  const logged: object[] = []
  const keys = createSigningKeys({
    prisma: database.db.prisma,
    provider: { ...sealed, ...provider },
    times: TIMES,
    ages: createKeyAges(() => clock.s * 1000),
    log: { info: (fields) => void logged.push(fields), warn: (fields) => void logged.push(fields) },
  })
  return { keys, clock, logged }
}

async function started() {
  const made = instance()
  await made.keys.ensureFirst()
  await made.keys.runSchedule()
  return made
}

const rowsOf = (alg: string) =>
  database.db.prisma.jwksKey.findMany({ where: { alg }, orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }] })
const statesOf = async (alg: string) => (await rowsOf(alg)).map(({ state }) => state)
const activeKid = async (alg: string) => (await rowsOf(alg)).find(({ state }) => state === 'active')?.kid ?? ''
const auditOf = (subject: string) =>
  database.db.prisma.auditLog.findMany({ where: { subject }, orderBy: { id: 'asc' } })
const everything = async () => ({
  keys: await database.db.prisma.jwksKey.findMany({ orderBy: { kid: 'asc' } }),
  audit: await database.db.prisma.auditLog.count(),
  assertions: await database.db.prisma.usedAssertion.count(),
})

const untilStates = (alg: string, states: readonly string[]) =>
  until(
    () => statesOf(alg),
    (now) => now.join() === states.join(),
  )
const made = async (): Promise<NewTokenKey> => sealed.seal('EdDSA', (await generateTokenKey('EdDSA')).secret)
const move = (kid: string, state: string) =>
  database.db.prisma.$executeRaw`UPDATE jwks_keys SET state = ${state}::key_state WHERE kid = ${kid}`

describe('the schedule', () => {
  it('gives every algorithm one key that signs and two that are published, and then has nothing to do', async () => {
    const { keys } = await started()
    for (const alg of TOKEN_ALGORITHMS) expect(await statesOf(alg)).toEqual(['active', 'prepared', 'prepared'])
    const before = await everything()
    await keys.runSchedule()
    expect(await everything()).toEqual(before)
  })

  it('hands over by age, retires once the last token has expired, and audits and logs each step', async () => {
    const { keys, clock, logged } = await started()
    const first = await activeKid('ES256')
    clock.s = 999
    await keys.runSchedule()
    expect(await activeKid('ES256')).toBe(first)
    clock.s = 1000
    await keys.runSchedule()
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    // It was seen to be retiring by the pass after.
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
    expect(logged).toContainEqual({ kid: first, alg: 'ES256', state: 'retired' })
  })

  it('hands over and retires although no key can be made', async () => {
    await started()
    await database.db.prisma
      .$executeRaw`UPDATE jwks_keys SET activated_at = activated_at - interval '1 hour', created_at = created_at - interval '1 hour'`
    const { keys } = instance({ generate: () => Promise.reject(new Error('the token is away')) })
    await expect(keys.runSchedule()).rejects.toThrow('the token is away')
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared'])
  })

  it('of a deployment that was down for a month hands over at once, and keeps what was prepared', async () => {
    await started()
    await database.db.prisma.$executeRaw`
      UPDATE jwks_keys SET created_at = created_at - interval '40 days', activated_at = activated_at - interval '40 days'`
    const { keys } = instance()
    await keys.runSchedule()
    expect(await statesOf('EdDSA')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
  })

  it('gives an algorithm that joins a deployment later no key that signs before it has been published', async () => {
    const { keys, clock } = await started()
    await database.db.prisma.jwksKey.deleteMany({ where: { alg: 'RS256' } })
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

  it('of two instances at the same time makes one change, and destroys what it made for nothing', async () => {
    const destroyed: string[] = []
    const destroy = async ({ kid }: { kid: string }) => void destroyed.push(kid)
    await started()
    await database.db.prisma
      .$executeRaw`UPDATE jwks_keys SET activated_at = activated_at - interval '1 hour', created_at = created_at - interval '1 hour'`
    await Promise.all([instance({ destroy }), instance({ destroy })].map(({ keys }) => keys.runSchedule()))
    for (const alg of TOKEN_ALGORITHMS) {
      expect(await statesOf(alg)).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    }
    const kids = (await database.db.prisma.jwksKey.findMany()).map(({ kid }) => kid)
    for (const kid of destroyed) expect(kids).not.toContain(kid)
    expect(await database.db.prisma.auditLog.count({ where: { action: 'key.activate' } })).toBe(4)
  })

  it('goes on when the private half of a key that is gone could not be destroyed, and tries again', async () => {
    await started()
    const kid = await activeKid('EdDSA')
    await database.db.prisma.$executeRaw`
      UPDATE jwks_keys SET wrapped_key = NULL, kek_id = NULL, external_ref = '{"id":"aa"}', state = 'compromised'
      WHERE kid = ${kid}`
    const destroyed: string[] = []
    let isAway = true
    const { keys } = instance({
      async destroy(key) {
        if (isAway) throw new Error('the token is away')
        destroyed.push(key.kid)
      },
    })
    await expect(keys.runSchedule()).rejects.toThrow('the token is away')
    isAway = false
    await keys.runSchedule()
    await keys.runSchedule()
    expect(destroyed).toEqual([kid])
  })
})

describe('rotating now', () => {
  it('makes ready keys sign, of all algorithms or one, and says what has changed', async () => {
    const { keys, clock } = await started()
    await keys.list()
    clock.s = 100
    const old = await activeKid('EdDSA')
    const [, next] = await rowsOf('EdDSA')
    const call = asAdmin()
    const { keys: after, touched } = await keys.rotate(call, { alg: 'EdDSA' }, 'a drill')
    expect(await activeKid('EdDSA')).toBe(next?.kid)
    expect(after.find(({ kid }) => kid === old)).toMatchObject({ state: 'retiring' })
    expect(touched.has(old)).toBe(true)
    expect(await statesOf('ES256')).toEqual(['active', 'prepared', 'prepared'])
    expect((await auditOf(old)).at(-1)).toMatchObject({
      action: 'key.retiring',
      actor: 'admin',
      reason: 'a drill',
      operatorId: null,
      requestId: call.requestId,
    })
    await keys.rotate(asAdmin(), {}, '')
    await untilStates('ES256', ['retiring', 'active', 'prepared', 'prepared'])
  })

  it('uses the assertion up', async () => {
    const { keys, clock } = await started()
    await keys.list()
    clock.s = 100
    await keys.rotate(asAdmin('once'), { alg: 'EdDSA' }, '')
    await untilStates('EdDSA', ['retiring', 'active', 'prepared', 'prepared'])
    const before = await everything()
    expect(await refusalOf(keys.rotate(asAdmin('once'), { alg: 'EdDSA' }, ''))).toBe('ASSERTION_USED')
    expect(await everything()).toEqual(before)
  })

  it('changes nothing where no key is ready', async () => {
    const { keys } = await started()
    const before = await everything()
    expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBe('KEY_NOT_READY')
    expect(await everything()).toEqual(before)
  })
})

describe('marking a key compromised', () => {
  it('lets a ready key sign in its place, takes its private half away, and answers the same when repeated', async () => {
    const { keys, clock } = await started()
    await keys.list()
    clock.s = 100
    const kid = await activeKid('Ed25519')
    const { keys: after } = await keys.compromise(asAdmin(), { kid, force: false }, 'it leaked')
    const marked = after.find((key) => key.kid === kid)
    expect(marked).toMatchObject({ state: 'compromised', kekId: null })
    await untilStates('Ed25519', ['compromised', 'active', 'prepared', 'prepared'])
    expect(await database.db.prisma.revocationLog.findMany()).toMatchObject([{ kind: 'key', subject: kid }])
    const again = await keys.compromise(asAdmin(), { kid, force: false }, 'again')
    expect(again.keys.find((key) => key.kid === kid)?.compromisedAt).toEqual(marked?.compromisedAt)
    expect(await database.db.prisma.revocationLog.count()).toBe(1)
  })

  it('waits for no new key, and is not held up where none can be made', async () => {
    await started()
    const isMade = Promise.withResolvers<never>()
    const { keys, clock, logged } = instance({ generate: () => isMade.promise })
    await keys.list()
    clock.s = 100
    const kid = await activeKid('ES256')
    await keys.compromise(asAdmin(), { kid, force: false }, '')
    expect(await statesOf('ES256')).toEqual(['compromised', 'active', 'prepared'])
    isMade.reject(new Error('the token is away'))
    await until(
      async () => logged,
      (lines) => lines.some((line) => 'error' in line),
    )
    expect(logged.at(-1)).toMatchObject({ error: { message: 'the token is away' } })
  })

  it('without a key that is ready is refused with nothing changed, unless forced', async () => {
    const { keys, clock } = await started()
    const kid = await activeKid('Ed25519')
    const before = await everything()
    expect(await refusalOf(keys.compromise(asAdmin(), { kid, force: false }, ''))).toBe('KEY_NOT_READY')
    expect(await everything()).toEqual(before)
    await keys.compromise(asAdmin(), { kid, force: true }, '')
    expect(await statesOf('Ed25519')).toEqual(['compromised', 'prepared', 'prepared'])
    clock.s = 100
    await keys.runSchedule()
    expect(await statesOf('Ed25519')).toEqual(['compromised', 'active', 'prepared', 'prepared'])
  })
})

describe('a key from elsewhere', () => {
  it('is prepared, counts for the reserve, and signs when it is named', async () => {
    const { keys, clock } = await started()
    const key = await made()
    const added = await keys.add(asAdmin(), key, 'from the safe')
    expect(added).toMatchObject({ kid: key.kid, state: 'prepared' })
    expect(added.readyAt?.getTime()).toBe(added.createdAt.getTime() + TIMES.publishS * 1000)
    expect(await auditOf(key.kid)).toMatchObject([{ action: 'key.import', actor: 'admin', reason: 'from the safe' }])
    await keys.runSchedule()
    expect(await refusalOf(keys.rotate(asAdmin(), { kid: key.kid }, ''))).toBe('KEY_NOT_READY')
    clock.s = 100
    await keys.rotate(asAdmin(), { kid: key.kid }, '')
    expect(await activeKid('EdDSA')).toBe(key.kid)
    expect(await statesOf('EdDSA')).toEqual(['retiring', 'prepared', 'prepared', 'active'])
  })

  it('is refused when it is known, in whatever state', async () => {
    const { keys } = await started()
    const key = await made()
    await keys.add(asAdmin(), key, '')
    await keys.compromise(asAdmin(), { kid: key.kid, force: false }, '')
    const before = await everything()
    expect(await refusalOf(keys.add(asAdmin(), key, ''))).toBe('KEY_EXISTS')
    expect(await everything()).toEqual(before)
  })

  it('is the first of its algorithm in an empty deployment, and changes nothing in another', async () => {
    const key = await made()
    await instance().keys.ensureFirst(key)
    expect(await activeKid('EdDSA')).toBe(key.kid)
    const before = await everything()
    await instance().keys.ensureFirst(await made())
    expect(await everything()).toEqual(before)
  })
})

it('dates keys by the database’s clock, whatever this process takes for the time', async () => {
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

it('a process that starts does not count the time until a key was committed', async () => {
  await started()
  const since = new Date(Date.now() - TIMES.publishS * 1000 - 2_000)
  await database.db.prisma.jwksKey.updateMany({ where: { state: 'prepared' }, data: { createdAt: since } })
  const { keys, clock } = instance()
  expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBe('KEY_NOT_READY')
  clock.s = 5
  expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBeUndefined()
})

describe('the database', () => {
  it.each([
    ['retiring', 'active'],
    ['retiring', 'prepared'],
    ['active', 'prepared'],
    ['prepared', 'retiring'],
    ['compromised', 'active'],
  ])('lets no key go back from %s to %s, whoever asks', async (from, to) => {
    const { keys } = await started()
    const kid = from === 'prepared' ? ((await rowsOf('EdDSA'))[1]?.kid ?? '') : await activeKid('EdDSA')
    if (from === 'retiring') await move(kid, from)
    if (from === 'compromised') await keys.compromise(asAdmin(), { kid, force: true }, '')
    await expect(move(kid, to)).rejects.toThrow(`a signing key does not go from ${from} to ${to}`)
  })

  it('lets no key become another', async () => {
    await started()
    const kid = await activeKid('EdDSA')
    const change = database.db.prisma.jwksKey.update({ where: { kid }, data: { alg: 'Ed25519' } })
    await expect(change).rejects.toThrow('a signing key is what it is')
  })

  it('lets no two keys of an algorithm sign', async () => {
    await started()
    const [, prepared] = await rowsOf('EdDSA')
    await expect(move(prepared?.kid ?? '', 'active')).rejects.toThrow('jwks_keys_active')
  })
})
