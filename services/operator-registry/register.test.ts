import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY, type Harness, startHarness } from '../../test/support/operator-registry.ts'

let harness: Harness
beforeEach(async () => {
  harness = await startHarness()
})
afterEach(() => harness.stop())

test('registerOperator registers a pending operator whose id is derived from issuer, domain and key', async () => {
  const { publicKey } = generateKeyPair()
  const answer = await harness.anybody.registerOperator({ domain: ' Agents.Example.COM. ', rootPublicKey: publicKey })
  const kid = thumbprint(publicKey)
  const id = operatorId({ issuer: 'https://auth.example.com', domain: 'agents.example.com', thumbprint: kid })
  expect(answer).toMatchObject({ id, domain: 'agents.example.com', status: 'pending' })
  const read = await harness.anybody.getOperator({ id })
  expect(read).toMatchObject({ id, domain: 'agents.example.com', status: 'pending', rootKeyThumbprint: kid })
  expect(read.domainVerifiedAt).toBeUndefined()
  expect(await harness.audit(id)).toMatchObject([
    { action: 'operator.register', actor: 'anonymous', subject: id, outcome: 'done', requestId: 'request-1' },
  ])
})

test('getDomainVerification returns the TXT record to publish', async () => {
  const { id, key } = await harness.register('agents.example.com')
  expect(await harness.anybody.getDomainVerification({ id })).toMatchObject({
    domain: 'agents.example.com',
    txtRecordName: '_auth4agents.agents.example.com',
    txtRecordValue: `v=a4a1; iss=https://auth.example.com; op=${id}; rk=${thumbprint(key)}`,
  })
})

test('registerOperator returns the existing operator and writes nothing when it is registered again', async () => {
  const { id, key, domain } = await harness.activate('agents.example.com')
  const before = await harness.everything()
  const again = await harness.anybody.registerOperator({ domain, rootPublicKey: key })
  expect(again).toMatchObject({ id, domain, status: 'active' })
  expect(await harness.everything()).toBe(before)
})

test('registerOperator registers one operator when eight equal calls come at the same time', async () => {
  const { publicKey } = generateKeyPair()
  const request = { domain: 'agents.example.com', rootPublicKey: publicKey }
  const answers = await Promise.all(Array.from({ length: 8 }, () => harness.anybody.registerOperator(request)))
  const ids = new Set(answers.map(({ id }) => id))
  expect(ids.size).toBe(1)
  expect(await harness.prisma.operator.count()).toBe(1)
  expect(await harness.prisma.auditLog.count()).toBe(1)
})

test('registerOperator refuses unusable keys and domains, and writes nothing', async () => {
  const before = await harness.everything()
  const register = (domain: string, rootPublicKey: Uint8Array) =>
    harness.anybody.registerOperator({ domain, rootPublicKey })
  const { publicKey } = generateKeyPair()
  await expect(register('localhost', publicKey)).rejects.toMatchObject({ reason: 'INVALID_DOMAIN' })
  await expect(register('agents.test', publicKey)).rejects.toMatchObject({ reason: 'INVALID_DOMAIN' })
  await expect(register('a.example.com', new Uint8Array(31))).rejects.toMatchObject({
    reason: 'INVALID_PUBLIC_KEY',
    message: 'root_public_key must have 32 bytes: the raw Ed25519 public key, not PEM or DER',
  })
  await expect(register('a.example.com', new Uint8Array(32))).rejects.toMatchObject({ reason: 'INVALID_PUBLIC_KEY' })
  expect(await harness.everything()).toBe(before)
})

test('registerOperator evicts the oldest pending registration of a full domain, but never an owner or a waiting newcomer', async () => {
  const owner = await harness.activate('agents.example.com')
  const registerMore = async (count: number) => {
    const more = []
    for (let made = 0; made < count; made++) {
      harness.clock.now += 1000
      more.push(await harness.register('agents.example.com'))
    }
    return more
  }
  const older = await registerMore(3)
  const [waiting = owner] = await registerMore(1)
  harness.publish('agents.example.com', [waiting.value])
  expect(await harness.anybody.confirmDomain({ id: waiting.id })).toMatchObject({ reason: 'TAKEOVER_PENDING' })
  const pending = [...older, ...(await registerMore(3))]
  const left = await harness.prisma.operator.findMany({ select: { id: true } })
  const kept = [owner, waiting, ...pending.slice(2)].map(({ id }) => id)
  expect(left.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
  expect(await harness.audit(pending[0]?.id ?? '')).toMatchObject([
    { action: 'operator.register' },
    { action: 'operator.expire', actor: 'anonymous' },
  ])
})

test('registerOperator keeps the limit of a domain when twelve calls come at the same time', async () => {
  await Promise.all(Array.from({ length: 12 }, () => harness.register('agents.example.com').catch(() => undefined)))
  expect(await harness.prisma.operator.count()).toBe(4)
})

test('runSchedule removes an expired pending registration, but never an owner or a waiting newcomer', async () => {
  const owner = await harness.activate('owned.example.com')
  const newcomer = await harness.register('owned.example.com')
  harness.publish('owned.example.com', [newcomer.value])
  await harness.anybody.confirmDomain({ id: newcomer.id })
  const expired = await harness.register('agents.example.com')
  harness.clock.now += 3 * DAY
  const fresh = await harness.register('fresh.example.com')
  harness.clock.now += 4 * DAY
  await harness.registry.runSchedule()
  const left = await harness.prisma.operator.findMany({ select: { id: true } })
  expect(left.map(({ id }) => id).toSorted()).toEqual([owner.id, newcomer.id, fresh.id].toSorted())
  expect((await harness.audit(expired.id)).at(-1)).toMatchObject({ action: 'operator.expire', actor: 'system' })
})

test('every method answers OPERATOR_NOT_FOUND for an unknown or malformed operator id', async () => {
  const { id: own } = await harness.activate('agents.example.com')
  const notFound = { reason: 'OPERATOR_NOT_FOUND' }
  for (const id of ['nobody', '', own.toUpperCase(), '00000000-0000-8000-8000-000000000000', 'a\0', '__proto__']) {
    await expect(harness.anybody.getOperator({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.anybody.getDomainVerification({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.anybody.confirmDomain({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.admin().suspendOperator({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.admin().reinstateOperator({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.as(own).releaseDomain({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.as(own).endAllTokens({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.as(own).getOperatorPolicy({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.as(own).setOperatorPolicy({ id }), id).rejects.toMatchObject(notFound)
    await expect(harness.as(own).listAuditRecords({ id }), id).rejects.toMatchObject(notFound)
  }
})
