import { timestampDate } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import {
  activeOperator,
  ISSUER,
  type OperatorInstance,
  operatorInstance,
  publish,
  twoInstances,
} from '../../test/support/operator-instance.ts'
import { ed25519Key, manifestBy } from '../../test/support/operator-team.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const HOUR = 3_600_000
const { world, prisma, one, two, drop } = await twoInstances()
let id: string
let domain: string
let count = 0

const alice = ed25519Key('alice')
const bob = ed25519Key('bob')
const thief = ed25519Key('thief')
const pipeline = ed25519Key('pipeline')
const registry = OperatorRegistryService.method

afterAll(drop)
beforeEach(async () => {
  // Operators of other tests are not looked at again.
  await prisma.operator.updateMany({ data: { nextProofAt: null, frozenAt: null } })
  count += 1
  domain = `frozen-${count}.example.com`
  id = await activeOperator(world, one, domain, alice)
  const members = [{ key: pipeline, roles: ['agents.register', 'audit.read', 'policy'] }] as const
  await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice, bob], members })
})

const row = () => prisma.operator.findUniqueOrThrow({ where: { id } })
const actions = async () =>
  (await prisma.auditLog.findMany({ where: { operatorId: id }, orderBy: { id: 'asc' } })).map(({ action, reason }) =>
    action === 'operator.freeze' ? `${action}: ${reason}` : action,
  )
const confirm = (instance = one) => instance.call(registry.confirmDomain, id, { id })
const look = async () => {
  world.clock.now += 7 * HOUR
  await two.registry.runSchedule()
}
const changePolicy = (instance = two, by = alice) =>
  refusalOf(instance.call(registry.setOperatorPolicy, id, { id, policy: {} }, { by }))

describe('a record that names a key which is no root key', () => {
  it.each([
    ['a scheduled look', look],
    ['a confirmation', () => confirm()],
  ])('freezes the operator at %s, once', async (_, see) => {
    publish(world, domain, id, thief.kid)
    await see()
    await see()
    const { status, epoch, frozenAt } = await row()
    expect([status, epoch, frozenAt === null]).toEqual(['active', 1, false])
    const reason = `operator.freeze: the DNS record names the key ${thief.kid}`
    expect((await actions()).filter((action) => action.startsWith('operator.freeze'))).toEqual([reason])
  })

  it('says so in the answers of GetOperator, GetDomainVerification and ConfirmDomain', async () => {
    const before = await one.call(registry.getOperator, id, { id })
    expect(before.frozenAt).toBeUndefined()
    publish(world, domain, id, thief.kid)
    const message = expect.stringMatching(/names a key that is no root key of the operator.*Tokens stay valid/)
    expect(await confirm()).toMatchObject({ verified: false, reason: 'TXT_RECORD_MISMATCH', message })
    const { frozenAt } = await two.call(registry.getOperator, id, { id })
    expect(frozenAt && timestampDate(frozenAt)).toEqual((await row()).frozenAt)
    expect(await two.call(registry.getDomainVerification, id, { id })).toMatchObject({ message })
  })

  it('refuses changes by every key of the operator on every process, and allows reads', async () => {
    publish(world, domain, id, thief.kid)
    await confirm()
    for (const instance of [one, two]) {
      expect(await changePolicy(instance, alice)).toBe('OPERATOR_FROZEN')
      expect(await changePolicy(instance, pipeline)).toBe('OPERATOR_FROZEN')
      const { registerAgent, reactivateAgent } = IdentityService.method
      const agentPublicKey = ed25519Key('agent').publicKey
      const asked = { operatorId: id, agentPublicKey }
      expect(await refusalOf(instance.call(registerAgent, id, asked, { by: pipeline }))).toBe('OPERATOR_FROZEN')
      expect(await refusalOf(instance.call(registerAgent, id, asked))).toBeUndefined()
      const reactivated = instance.call(reactivateAgent, id, { operatorId: id, agent: id }, { by: alice })
      expect(await refusalOf(reactivated)).toBe('OPERATOR_FROZEN')
      expect(await refusalOf(instance.call(registry.releaseDomain, id, { id }, { by: alice }))).toBe('OPERATOR_FROZEN')
      expect(await refusalOf(instance.getKeys(id, bob))).toBeUndefined()
      expect(await refusalOf(instance.call(registry.listAuditRecords, id, { id }, { by: pipeline }))).toBeUndefined()
    }
  })

  it('leaves the keys of the operator what takes authority away', async () => {
    const { registerAgent, suspendAgent, revokeAgent } = IdentityService.method
    const agentPublicKey = ed25519Key('agent').publicKey
    const { id: agent } = await one.call(registerAgent, id, { operatorId: id, agentPublicKey }, { by: pipeline })
    publish(world, domain, id, thief.kid)
    await confirm()
    const asked = { operatorId: id, agent }
    expect(await two.call(suspendAgent, id, asked, { by: alice })).toHaveProperty('suspendedAt')
    expect(await two.call(revokeAgent, id, asked, { by: bob })).toHaveProperty('revokedAt')
    await two.call(registry.endAllTokens, id, { id }, { by: bob })
    expect(await row()).toMatchObject({ epoch: 2, status: 'active' })
    expect(await refusalOf(two.call(suspendAgent, id, asked, { by: pipeline }))).toBe('ROLE_REQUIRED')
    expect(await refusalOf(two.call(suspendAgent, id, asked, { by: thief }))).toBe('INVALID_ASSERTION')
  })

  it('is counted by the metric after the next run of the schedule', async () => {
    await two.registry.runSchedule()
    expect(two.registry.frozenOperators()).toBe(0)
    publish(world, domain, id, thief.kid)
    await look()
    expect(two.registry.frozenOperators()).toBe(1)
  })

  it('makes the operator lapse after 24 looks, not after three', async () => {
    publish(world, domain, id, thief.kid)
    for (let pass = 0; pass < 23; pass += 1) await look()
    expect(await row()).toMatchObject({ status: 'active', epoch: 1 })
    await look()
    expect(await row()).toMatchObject({ status: 'lapsed', epoch: 2 })
  })

  it('freezes no operator that does not own its domain', async () => {
    const pending = await activeOperator(world, one, domain, thief)
    publish(world, domain, pending, bob.kid)
    await one.call(registry.confirmDomain, pending, { id: pending })
    const { status, frozenAt } = await prisma.operator.findUniqueOrThrow({ where: { id: pending } })
    expect([status, frozenAt]).toEqual(['pending', null])
  })

  it.each([
    ['two records', () => [`v=a4a1; iss=${ISSUER}; op=${id}; rk=${thief.kid}`, `v=a4a1; iss=${ISSUER}; op=${id}`]],
    ['no rk', () => [`v=a4a1; iss=${ISSUER}; op=${id}`]],
    ['another operator', () => [`v=a4a1; iss=${ISSUER}; op=${thief.kid}; rk=${thief.kid}`]],
    ['another server', () => [`v=a4a1; iss=https://other.example; op=${id}; rk=${thief.kid}`]],
    ['no record', () => []],
  ])('freezes nothing if DNS has %s', async (_, records) => {
    world.dns.set(`_auth4agents.${domain}`, records())
    await refusalOf(confirm())
    await look()
    expect((await row()).frozenAt).toBeNull()
  })

  it('with characters that PostgreSQL cannot store freezes the operator too', async () => {
    world.dns.set(`_auth4agents.${domain}`, [`v=a4a1; iss=${ISSUER}; op=${id}; rk=\0\u001b[31m${'x'.repeat(500)}`])
    expect(await confirm()).toMatchObject({ verified: false })
    expect((await actions()).at(-1)).toBe(`operator.freeze: the DNS record names the key ??[31m${'x'.repeat(58)}`)
  })
})

describe('a frozen operator', () => {
  beforeEach(async () => {
    publish(world, domain, id, thief.kid)
    await confirm()
  })

  it.each([
    ['a scheduled look', alice, look],
    ['a confirmation', alice, () => confirm(two)],
    ['a scheduled look that names another root key', bob, look],
    ['a confirmation that names another root key', bob, () => confirm(two)],
  ])('is unfrozen by %s', async (_, named, see) => {
    publish(world, domain, id, named.kid)
    await see()
    expect(await row()).toMatchObject({ frozenAt: null, status: 'active', rootKeyThumbprint: named.kid })
    expect(await actions()).toContain('operator.unfreeze')
    expect((await actions()).includes('operator.root-record')).toBe(named === bob)
    expect(await changePolicy()).toBeUndefined()
  })

  it('stays frozen while DNS has no record', async () => {
    world.dns.delete(`_auth4agents.${domain}`)
    await confirm()
    await look()
    expect((await row()).frozenAt).not.toBeNull()
  })

  it('can set root keys that contain the key in DNS, which unfreezes it', async () => {
    await one.setKeys(alice, { operatorId: id, seq: 2, roots: [thief] })
    expect(await row()).toMatchObject({ frozenAt: null, rootKeyThumbprint: thief.kid, manifestSeq: 2 })
    expect((await actions()).slice(-2)).toEqual(['operator.set-keys', 'operator.unfreeze'])
    expect(await changePolicy(two, alice)).toBe('INVALID_ASSERTION')
    expect(await changePolicy(two, thief)).toBeUndefined()
  })

  it('cannot set other keys, also not with the same root keys', async () => {
    for (const roots of [[alice, bob], [alice], [alice, ed25519Key('carol')]]) {
      const set = one.setKeys(alice, { operatorId: id, seq: 2, roots })
      expect(await refusalOf(set)).toBe('ROOT_RECORD_MISMATCH')
    }
    expect(await row()).toMatchObject({ manifestSeq: 1 })
  })

  it('does not let an operational key set keys', async () => {
    const manifest = await manifestBy(alice, {
      operatorId: id,
      issuer: ISSUER,
      nowS: one.nowS(),
      seq: 2,
      roots: [thief],
    })
    const set = one.call(OperatorKeyService.method.setOperatorKeys, id, { id, manifest }, { by: pipeline })
    expect(await refusalOf(set)).toBe('ROLE_REQUIRED')
  })
})

/** A process whose look sees the record with the key of Alice, before the operator changes its root key to Bob's. */
function slow(): OperatorInstance {
  return operatorInstance({
    ...world,
    async onLook() {
      publish(world, domain, id, bob.kid)
      await one.setKeys(alice, { operatorId: id, seq: 2, roots: [bob] })
    },
  })
}

describe('a look at DNS during which the keys change', () => {
  it('does not freeze the operator, if a scheduled proof makes it', async () => {
    const { registry } = slow()
    world.clock.now += 7 * HOUR
    await registry.runSchedule()
    expect(await row()).toMatchObject({ manifestSeq: 2, frozenAt: null, failedProofs: 0, rootKeyThumbprint: bob.kid })
    world.clock.now += HOUR
    await two.registry.runSchedule()
    expect(await row()).toMatchObject({ frozenAt: null, failedProofs: 0 })
  })

  it('does not freeze the operator, if a confirmation makes it', async () => {
    expect(await refusalOf(confirm(slow()))).toBe('UNAVAILABLE')
    expect(await row()).toMatchObject({ manifestSeq: 2, frozenAt: null, rootKeyThumbprint: bob.kid })
  })

  it('does not freeze the operator for a foreign key that DNS named before', async () => {
    publish(world, domain, id, thief.kid)
    expect(await confirm(slow())).toMatchObject({ verified: false, reason: 'TXT_RECORD_MISMATCH' })
    expect(await row()).toMatchObject({ manifestSeq: 2, frozenAt: null, rootKeyThumbprint: bob.kid })
  })

  it('does not unfreeze the operator for a key that is no root key any more', async () => {
    publish(world, domain, id, thief.kid)
    await confirm()
    const look = operatorInstance({
      ...world,
      async onLook() {
        publish(world, domain, id, bob.kid)
        await one.setKeys(alice, { operatorId: id, seq: 2, roots: [bob] })
        publish(world, domain, id, thief.kid)
        await confirm()
      },
    })
    publish(world, domain, id, alice.kid)
    expect(await refusalOf(confirm(look))).toBe('UNAVAILABLE')
    expect(await row()).toMatchObject({ rootKeyThumbprint: bob.kid })
    expect((await row()).frozenAt).not.toBeNull()
  })
})
