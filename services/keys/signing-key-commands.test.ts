import { describe, expect, it } from 'vitest'
import { asAdmin } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { keyFromElsewhere, rotatingKeys, TIMES } from '../../test/support/rotating-keys.ts'
import { until } from '../../test/support/until.ts'

const { prisma, instance, started, rowsOf, statesOf, untilStates, activeKid, auditOf, everything } = rotatingKeys()

describe('rotate', () => {
  it('makes ready keys active, of one algorithm or of all, and returns the changed keys', async () => {
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

  it('has its missing key created also when a pass is under way that has looked before', async () => {
    const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let isHeld = false
    const { keys, clock } = instance({
      async generate(kind) {
        if (isHeld) {
          begun.resolve()
          await held.promise
        }
        return keyFromElsewhere(kind)
      },
    })
    await keys.ensureFirst()
    await keys.runSchedule()
    await keys.list()
    clock.s = 100
    isHeld = true
    await keys.rotate(asAdmin(), { alg: 'EdDSA' }, '')
    await begun.promise
    await keys.rotate(asAdmin(), { alg: 'ES256' }, '')
    isHeld = false
    held.resolve()
    await keys.idle()
    expect(await statesOf('EdDSA')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
    expect(await statesOf('ES256')).toEqual(['retiring', 'active', 'prepared', 'prepared'])
  })

  it('refuses an assertion that was used before', async () => {
    const { keys, clock } = await started()
    await keys.list()
    clock.s = 100
    await keys.rotate(asAdmin('once'), { alg: 'EdDSA' }, '')
    await untilStates('EdDSA', ['retiring', 'active', 'prepared', 'prepared'])
    const before = await everything()
    expect(await refusalOf(keys.rotate(asAdmin('once'), { alg: 'EdDSA' }, ''))).toBe('ASSERTION_USED')
    expect(await everything()).toEqual(before)
  })

  it('throws KEY_NOT_READY and changes nothing when no key is ready', async () => {
    const { keys } = await started()
    const before = await everything()
    expect(await refusalOf(keys.rotate(asAdmin(), {}, ''))).toBe('KEY_NOT_READY')
    expect(await everything()).toEqual(before)
  })
})

describe('compromise', () => {
  it('makes a ready key active, deletes the private half, and returns the time of the first call when it is repeated', async () => {
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

  it('returns without waiting for a new key, even when no key can be generated', async () => {
    await started()
    const isMade = Promise.withResolvers<never>()
    // The promise may be rejected before other code waits for the key.
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

  it('throws KEY_NOT_READY and changes nothing without a ready key, unless it is forced', async () => {
    const { keys, clock } = await started()
    const kid = await activeKid('Ed25519')
    const before = await everything()
    expect(await refusalOf(keys.compromise(asAdmin(), { kid, force: false }, ''))).toBe('KEY_NOT_READY')
    expect(await everything()).toEqual(before)
    await keys.compromise(asAdmin(), { kid, force: true }, '')
    expect(await statesOf('Ed25519')).toEqual(['compromised', 'prepared', 'prepared'])
    // The pass that follows the compromise has already read the clock, so another pass is needed.
    await keys.idle()
    clock.s = 100
    await keys.runSchedule()
    expect(await statesOf('Ed25519')).toEqual(['compromised', 'active', 'prepared', 'prepared'])
  })
})

describe('an imported key', () => {
  it('is prepared, counts as reserve, and becomes active when a rotation names it', async () => {
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

  it('is refused with KEY_EXISTS when the deployment already has it, even as compromised', async () => {
    const { keys } = await started()
    const key = await keyFromElsewhere()
    await keys.add(asAdmin(), key, '')
    await keys.compromise(asAdmin(), { kid: key.kid, force: false }, '')
    const before = await everything()
    expect(await refusalOf(keys.add(asAdmin(), key, ''))).toBe('KEY_EXISTS')
    expect(await everything()).toEqual(before)
  })

  it('becomes the first key of its algorithm in an empty deployment, and is ignored in any other deployment', async () => {
    const key = await keyFromElsewhere()
    await instance().keys.ensureFirst(key)
    expect(await activeKid('EdDSA')).toBe(key.kid)
    const before = await everything()
    await instance().keys.ensureFirst(await keyFromElsewhere())
    expect(await everything()).toEqual(before)
  })
})
