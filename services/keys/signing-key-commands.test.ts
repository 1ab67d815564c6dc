import { describe, expect, it } from 'vitest'
import { asAdmin } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { keyFromElsewhere, rotatingKeys, TIMES } from '../../test/support/rotating-keys.ts'
import { until } from '../../test/support/until.ts'

const { prisma, instance, started, rowsOf, statesOf, untilStates, activeKid, auditOf, everything } = rotatingKeys()

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
    expect(await prisma().revocationLog.findMany()).toMatchObject([{ kind: 'key', subject: kid }])
    const again = await keys.compromise(asAdmin(), { kid, force: false }, 'again')
    expect(again.keys.find((key) => key.kid === kid)?.compromisedAt).toEqual(marked?.compromisedAt)
    expect(await prisma().revocationLog.count()).toBe(1)
  })

  it('waits for no new key, and is not held up where none can be made', async () => {
    await started()
    const isMade = Promise.withResolvers<never>()
    // Whoever asks for the key may do so only after that.
    isMade.promise.catch(() => undefined)
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
    // The pass that follows a compromise has looked at the clock already.
    await keys.idle()
    clock.s = 100
    await keys.runSchedule()
    expect(await statesOf('Ed25519')).toEqual(['compromised', 'active', 'prepared', 'prepared'])
  })
})

describe('a key from elsewhere', () => {
  it('is prepared, counts for the reserve, and signs when it is named', async () => {
    const { keys, clock } = await started()
    const key = await keyFromElsewhere()
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
    const key = await keyFromElsewhere()
    await keys.add(asAdmin(), key, '')
    await keys.compromise(asAdmin(), { kid: key.kid, force: false }, '')
    const before = await everything()
    expect(await refusalOf(keys.add(asAdmin(), key, ''))).toBe('KEY_EXISTS')
    expect(await everything()).toEqual(before)
  })

  it('is the first of its algorithm in an empty deployment, and changes nothing in another', async () => {
    const key = await keyFromElsewhere()
    await instance().keys.ensureFirst(key)
    expect(await activeKid('EdDSA')).toBe(key.kid)
    const before = await everything()
    await instance().keys.ensureFirst(await keyFromElsewhere())
    expect(await everything()).toEqual(before)
  })
})
