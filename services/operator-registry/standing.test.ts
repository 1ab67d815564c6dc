import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OperatorStatus } from '../../gen/prisma/enums.ts'
import { type Harness, HOUR, type Registered, startHarness } from '../../test/support/operator-registry.ts'

let harness: Harness
let operator: Registered
beforeEach(async () => {
  harness = await startHarness()
  operator = await harness.activate('agents.example.com')
})
afterEach(() => harness.stop())

const setStatus = (status: OperatorStatus) =>
  harness.prisma.operator.update({ where: { id: operator.id }, data: { status } })

describe('releaseDomain', () => {
  test('releases the operator for good and ends its tokens', async () => {
    const { id } = operator
    const first = await harness.as(id).releaseDomain({ id, reason: 'sold' })
    expect(first).toMatchObject({ id, status: 'released' })
    const row = await harness.operator(id)
    expect(row).toMatchObject({ status: 'released', epoch: 2, version: 3, nextProofAt: null })
    await expect(harness.as(id).releaseDomain({ id })).rejects.toMatchObject({ reason: 'OPERATOR_RELEASED' })
    expect(await harness.operator(id)).toEqual(row)
    const last = (await harness.audit(id)).at(-1)
    expect(last).toMatchObject({ action: 'operator.release', actor: `operator:${id}`, reason: 'sold' })
  })

  test.each(['pending', 'superseded'] as const)('refuses an operator that has become %s', async (status) => {
    await setStatus(status)
    const refused = harness.as(operator.id).releaseDomain({ id: operator.id })
    await expect(refused).rejects.toMatchObject({ reason: 'OPERATOR_NOT_ACTIVE' })
    expect((await harness.operator(operator.id)).status).toBe(status)
  })

  test('refuses a suspended operator, which could register again with another key', async () => {
    await harness.admin().suspendOperator({ id: operator.id })
    const refused = harness.as(operator.id).releaseDomain({ id: operator.id })
    await expect(refused).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    expect((await harness.operator(operator.id)).status).toBe('suspended')
  })
})

describe('suspendOperator and reinstateOperator', () => {
  test('suspending ends tokens, and suspending again returns the time of the first suspension', async () => {
    const { id } = operator
    const first = await harness.admin().suspendOperator({ id, reason: 'abuse' })
    expect(first.suspendedAt && timestampMs(first.suspendedAt)).toBe(harness.clock.now)
    const row = await harness.operator(id)
    expect(row).toMatchObject({ status: 'suspended', epoch: 2, version: 3 })
    harness.clock.now += HOUR
    expect(await harness.admin().suspendOperator({ id })).toEqual(first)
    expect(await harness.operator(id)).toEqual(row)
    expect(await harness.audit(id)).toHaveLength(3)
    expect((await harness.audit(id)).at(-1)).toMatchObject({
      action: 'operator.suspend',
      actor: 'admin',
      reason: 'abuse',
    })
  })

  test('reinstating makes the operator active, and its old tokens stay ended', async () => {
    const { id } = operator
    await harness.admin().suspendOperator({ id })
    const answer = await harness.admin().reinstateOperator({ id })
    expect(answer).toMatchObject({ id, status: 'active' })
    expect(await harness.operator(id)).toMatchObject({ status: 'active', epoch: 2, version: 4, suspendedAt: null })
    expect(answer.reinstatedAt && timestampMs(answer.reinstatedAt)).toBe(harness.clock.now)
  })

  test.each(['active', 'lapsed'] as const)('reinstating refuses an operator that is %s', async (status) => {
    await setStatus(status)
    const before = await harness.everything()
    const refused = harness.admin().reinstateOperator({ id: operator.id })
    await expect(refused).rejects.toMatchObject({ reason: 'OPERATOR_NOT_SUSPENDED' })
    expect(await harness.everything()).toBe(before)
  })

  test('suspending records the use of the assertion even when nothing changes', async () => {
    const { id } = operator
    await harness.admin('one').suspendOperator({ id })
    await harness.admin('two').suspendOperator({ id })
    for (const jti of ['one', 'two']) {
      await expect(harness.admin(jti).suspendOperator({ id })).rejects.toMatchObject({ reason: 'ASSERTION_USED' })
    }
  })

  test.each([
    ['pending', 'OPERATOR_NOT_ACTIVE'],
    ['superseded', 'OPERATOR_NOT_ACTIVE'],
    ['released', 'OPERATOR_RELEASED'],
  ] as const)('refuse an operator that is %s', async (status, reason) => {
    await setStatus(status)
    const before = await harness.everything()
    await expect(harness.admin().suspendOperator({ id: operator.id })).rejects.toMatchObject({ reason })
    await expect(harness.admin().reinstateOperator({ id: operator.id })).rejects.toMatchObject({ reason })
    expect(await harness.everything()).toBe(before)
  })
})

describe('endAllTokens', () => {
  test('raises the epoch with every call', async () => {
    const { id } = operator
    expect(await harness.as(id).endAllTokens({ id, reason: 'leak' })).toMatchObject({ id, epoch: 2 })
    expect(await harness.as(id).endAllTokens({ id })).toMatchObject({ epoch: 3 })
    expect(await harness.operator(id)).toMatchObject({ status: 'active', epoch: 3, version: 4 })
    expect((await harness.audit(id)).at(-2)).toMatchObject({ action: 'operator.end-all-tokens', reason: 'leak' })
  })

  test.each(['pending', 'superseded', 'released'] as const)('refuses a %s operator', async (status) => {
    await setStatus(status)
    const { id } = operator
    const reason = status === 'released' ? 'OPERATOR_RELEASED' : 'OPERATOR_NOT_ACTIVE'
    await expect(harness.as(id).endAllTokens({ id })).rejects.toMatchObject({ reason })
    expect(await harness.operator(id)).toMatchObject({ epoch: 1 })
  })
})

test.each([
  ['too long', 'a'.repeat(501)],
  ['text with NUL', 'a\0'],
])(
  'suspendOperator, releaseDomain and endAllTokens refuse a reason that is %s, and change nothing',
  async (_, reason) => {
    const { id } = operator
    const before = await harness.everything()
    const invalid = { reason: 'INVALID_ARGUMENT' }
    await expect(harness.admin().suspendOperator({ id, reason })).rejects.toMatchObject(invalid)
    await expect(harness.as(id).releaseDomain({ id, reason })).rejects.toMatchObject(invalid)
    await expect(harness.as(id).endAllTokens({ id, reason })).rejects.toMatchObject(invalid)
    expect(await harness.everything()).toBe(before)
  },
)

describe('setOperatorPolicy', () => {
  const audience = 'https://api.agents.example.com'

  test('replaces the whole policy, and resets it when the request has none', async () => {
    const { id } = operator
    const own = harness.as(id)
    expect((await own.getOperatorPolicy({ id })).policy).toMatchObject({ audiences: [], requireBoundChallenges: false })
    const rules = [
      { audience, callers: ['Other.com'], tokenSigningAlg: 'ES256' },
      { audience: 'agents.example.com', callers: ['*'] },
      { audience: 'own.agents.example.com', callers: [], tokenSigningAlg: 'EdDSA' },
    ]
    const policy = {
      audiences: [
        { audience: 'agents.example.com', callers: ['*'], tokenSigningAlg: '' },
        { audience, callers: ['other.com'], tokenSigningAlg: 'ES256' },
        { audience: 'own.agents.example.com', callers: [], tokenSigningAlg: 'EdDSA' },
      ],
      requireBoundChallenges: true,
    }
    const set = await own.setOperatorPolicy({ id, policy: { audiences: rules, requireBoundChallenges: true } })
    expect(set).toMatchObject({ policy })
    expect((await own.getOperatorPolicy({ id })).policy).toMatchObject(policy)
    // The policy raises the version, and each of its three rules does.
    expect(await harness.operator(id)).toMatchObject({ version: 2 + 1 + 3, epoch: 1 })
    await harness.as(id).setOperatorPolicy({ id })
    expect((await own.getOperatorPolicy({ id })).policy).toMatchObject({ audiences: [], requireBoundChallenges: false })
    expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.set-policy' })
  })

  test('resets the algorithm of a rule that names none', async () => {
    const { id } = operator
    const set = (rule: { tokenSigningAlg?: string }) =>
      harness.as(id).setOperatorPolicy({ id, policy: { audiences: [{ audience, callers: [], ...rule }] } })
    expect((await set({ tokenSigningAlg: 'RS256' })).policy?.audiences).toMatchObject([{ tokenSigningAlg: 'RS256' }])
    expect((await set({})).policy?.audiences).toMatchObject([{ tokenSigningAlg: '' }])
  })

  test('lets one of several changes of the same version win, and refuses the others without an effect', async () => {
    const { id } = operator
    const own = harness.as(id)
    const { etag } = (await own.getOperatorPolicy({ id })).policy ?? {}
    const callers = Array.from({ length: 8 }, (_, n) => `c${n}.com`)
    const outcomes = await Promise.allSettled(
      callers.map((caller) =>
        harness
          .as(id)
          .setOperatorPolicy({ id, policy: { etag: etag ?? '', audiences: [{ audience, callers: [caller] }] } }),
      ),
    )
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(won).toHaveLength(1)
    expect(lost.map(({ reason }) => reason)).toEqual(Array.from({ length: 7 }, () => 'POLICY_CHANGED'))
    expect((await own.getOperatorPolicy({ id })).policy).toEqual(won[0]?.policy)
    // Only one policy with its one rule has raised the version.
    expect(await harness.operator(id)).toMatchObject({ version: 2 + 1 + 1 })
  })

  test('keeps each switch by itself, and switches all off when the request leaves them out', async () => {
    const { id } = operator
    const off = { requireBoundChallenges: false, requireBodyDigest: false, hideAllowedScopes: false }
    for (const name of Object.keys(off)) {
      const policy = { ...off, [name]: true }
      expect((await harness.as(id).setOperatorPolicy({ id, policy: { [name]: true } })).policy).toMatchObject(policy)
      expect((await harness.as(id).getOperatorPolicy({ id })).policy).toMatchObject(policy)
      expect(await harness.operator(id)).toMatchObject(policy)
    }
    await harness.as(id).setOperatorPolicy({ id, policy: {} })
    expect(await harness.operator(id)).toMatchObject(off)
  })

  test('ends the tokens only when the policy for grants becomes narrower', async () => {
    const { id } = operator
    const steps: [{ delegateTo?: string[]; maxGrantTtl?: number }, number][] = [
      [{}, 1],
      [{ delegateTo: ['Partner.com', 'other.com'] }, 1],
      [{ delegateTo: ['other.com'] }, 2],
      [{ delegateTo: ['other.com'], maxGrantTtl: 600 }, 3],
      [{ delegateTo: ['other.com', 'agents.example.com'], maxGrantTtl: 900 }, 3],
      [{ delegateTo: ['other.com'], maxGrantTtl: 900 }, 3],
      [{}, 4],
    ]
    for (const [{ delegateTo = [], maxGrantTtl = 0 }, epoch] of steps) {
      const { policy } = await harness.as(id).setOperatorPolicy({ id, policy: { delegateTo, maxGrantTtl } })
      expect(policy).toMatchObject({ delegateTo: delegateTo.map((domain) => domain.toLowerCase()), maxGrantTtl })
      expect(await harness.operator(id)).toMatchObject({ epoch })
    }
  })

  test('changes nothing when it refuses a policy', async () => {
    const { id } = operator
    await harness.as(id).setOperatorPolicy({ id, policy: { audiences: [{ audience, callers: ['*'] }] } })
    const before = await harness.everything()
    const set = (text: string, callers: string[], tokenSigningAlg = '') =>
      harness.as(id).setOperatorPolicy({ id, policy: { audiences: [{ audience: text, callers, tokenSigningAlg }] } })
    await expect(set('other.com', [])).rejects.toMatchObject({ reason: 'INVALID_AUDIENCE' })
    await expect(set(audience, ['localhost'])).rejects.toMatchObject({ reason: 'INVALID_DOMAIN' })
    await expect(set(audience, [], 'es256')).rejects.toMatchObject({ reason: 'INVALID_ALGORITHM' })
    expect(await harness.everything()).toBe(before)
  })

  test.each([
    ['pending', 'OPERATOR_NOT_ACTIVE'],
    ['superseded', 'OPERATOR_NOT_ACTIVE'],
    ['suspended', 'OPERATOR_SUSPENDED'],
    ['released', 'OPERATOR_RELEASED'],
  ] as const)('refuses an operator that is %s', async (status, reason) => {
    await setStatus(status)
    const { id } = operator
    await expect(harness.as(id).setOperatorPolicy({ id })).rejects.toMatchObject({ reason })
  })
})
