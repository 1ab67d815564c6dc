import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TestOperator } from '../../../test/support/identity.ts'
import { peopleFixture } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { providerOf } from '../../../test/support/users.ts'

let fixture: Awaited<ReturnType<typeof peopleFixture>>
let acme: TestOperator
let users: ReturnType<typeof fixture.usersOf>
let provider: Awaited<ReturnType<typeof providerOf>>
beforeAll(async () => {
  fixture = await peopleFixture()
})
afterAll(() => fixture.drop())
beforeEach(async () => {
  acme = await fixture.operator(`acme-${randomUUID()}.test`)
  users = fixture.usersOf(acme)
  provider = await providerOf(fixture.db, acme.id)
})

const row = (subject: string) =>
  fixture.db.prisma.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId: acme.id, subject } } })
const remove = () => fixture.db.prisma.identityProvider.delete({ where: { id: provider.providerId } })
const removedAgo = (subject: string, ago: string) =>
  fixture.db.pool.query(`UPDATE users SET removed_at = now() - $2::interval WHERE subject = $1`, [subject, ago])
const statusOf = async (subject: string) =>
  (await fixture.db.prisma.user.findFirst({ where: { operatorId: acme.id, subject } }))?.status
const emptyLog = () => fixture.db.pool.query('DELETE FROM revocation_log')

describe('the job about users', () => {
  it('removes the users of a provider that is gone, and no others', async () => {
    const other = await providerOf(fixture.db, acme.id, 'https://other.example')
    const [{ subject }, { subject: stays }] = [await provider.signIn('alice'), await other.signIn('alice')]
    await fixture.sweep()
    expect(await statusOf(subject)).toBe('active')
    await remove()
    await fixture.sweep()
    expect(await row(subject)).toMatchObject({ status: 'removed', epoch: 2, sub: '', providerId: null })
    expect(await statusOf(stays)).toBe('active')
    const { rows } = await fixture.db.pool.query('SELECT kind, minimum_epoch FROM revocation_log WHERE subject = $1', [
      subject,
    ])
    expect(rows).toEqual([{ kind: 'agent', minimum_epoch: 2 }])
    const last = await fixture.db.prisma.auditLog.findFirst({ where: { operatorId: acme.id }, orderBy: { id: 'desc' } })
    expect(last).toMatchObject({ action: 'user.remove', subject, reason: 'its identity provider is gone' })
  })

  it('removes more users than one transaction does', async () => {
    await fixture.db.pool.query(
      `INSERT INTO users (operator_id, subject, provider_id) SELECT $1, 'user:' || n, $2 FROM generate_series(1, 250) n`,
      [acme.id, provider.providerId],
    )
    await remove()
    await fixture.sweep()
    expect(await fixture.db.prisma.user.count({ where: { operatorId: acme.id, status: 'active' } })).toBe(0)
    const { rows } = await fixture.db.pool.query(
      `SELECT amount::int FROM operator_totals WHERE operator_id = $1 AND what = 'users'`,
      [acme.id],
    )
    expect(rows).toEqual([{ amount: 0 }])
  })

  it('keeps a disabled user whose provider is gone, so that the same provider lets nobody in again', async () => {
    const { subject } = await provider.signIn('alice')
    await users.disable(subject)
    await remove()
    await fixture.sweep()
    expect(await statusOf(subject)).toBe('disabled')
    const again = await providerOf(fixture.db, acme.id)
    expect(await refusalOf(again.signIn('alice'))).toBe('USER_NOT_ALLOWED')
  })

  it.each(['released', 'superseded'] as const)('removes all users of an operator that is %s', async (status) => {
    const [{ subject: on }, { subject: off }] = [await provider.signIn('on'), await provider.signIn('off')]
    await users.disable(off)
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status } })
    await fixture.sweep()
    expect([await statusOf(on), await statusOf(off)]).toEqual(['removed', 'removed'])
  })

  it('deletes a removed user after two hours, and not before', async () => {
    const { subject } = await provider.signIn('alice')
    await users.remove(subject)
    await emptyLog()
    await removedAgo(subject, '119 minutes')
    await fixture.sweep()
    expect(await statusOf(subject)).toBe('removed')
    await removedAgo(subject, '121 minutes')
    await fixture.sweep()
    expect(await statusOf(subject)).toBeUndefined()
    expect(await provider.signIn('alice')).toMatchObject({ epoch: 1 })
  })

  it('keeps a removed user while the log may have its record', async () => {
    await emptyLog()
    const { subject } = await provider.signIn('alice')
    await users.remove(subject)
    await removedAgo(subject, '121 minutes')
    await fixture.db.pool.query("UPDATE revocation_log SET recorded_at = now() - interval '121 minutes'")
    await fixture.sweep()
    expect(await statusOf(subject)).toBe('removed')
    await emptyLog()
    await fixture.sweep()
    expect(await statusOf(subject)).toBeUndefined()
  })
})
