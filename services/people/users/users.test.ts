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
const audit = async () => {
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { operatorId: acme.id }, orderBy: { id: 'asc' } })
  return rows.map(({ action, subject, reason }) => `${action} ${subject}: ${reason}`)
}
const records = async (subject: string) => {
  const { rows } = await fixture.db.pool.query(
    `SELECT kind, operator_id, minimum_epoch, cause FROM revocation_log WHERE subject = $1 ORDER BY sequence`,
    [subject],
  )
  return rows
}
const record = (epoch: number, type: string) => ({
  kind: 'agent',
  operator_id: acme.id,
  minimum_epoch: epoch,
  cause: { type },
})

describe('listUsers', () => {
  it('lists what the server knows, by subject and page by page', async () => {
    for (const sub of ['a', 'b', 'c', 'd', 'e']) await provider.signIn(sub, { name: sub.toUpperCase() })
    const { name } = await fixture.db.prisma.identityProvider.findUniqueOrThrow({ where: { id: provider.providerId } })
    const found = []
    let pageToken = ''
    do {
      const page = await users.list({ pageSize: 2, pageToken })
      expect(page.users?.length).toBeLessThanOrEqual(2)
      found.push(...(page.users ?? []))
      pageToken = page.nextPageToken ?? ''
    } while (pageToken !== '')
    expect(new Set(found.map(({ name: each }) => each))).toEqual(new Set(['A', 'B', 'C', 'D', 'E']))
    const subjects = found.map(({ subject = '' }) => subject)
    expect(subjects).toEqual(subjects.toSorted())
    expect(found[0]).toMatchObject({ provider: name, status: 'active', tenant: '', groups: [] })
  })

  it('filters by status, and never lists a removed user or one of another operator', async () => {
    const [{ subject: gone }, { subject: off }, { subject: on }] = [
      await provider.signIn('gone'),
      await provider.signIn('off'),
      await provider.signIn('on'),
    ]
    await users.remove(gone)
    await users.disable(off)
    const other = await fixture.operator(`other-${randomUUID()}.test`)
    await (await providerOf(fixture.db, other.id)).signIn('on')
    const subjectsOf = async (status: string) => (await users.list({ status })).users?.map(({ subject }) => subject)
    expect(await subjectsOf('active')).toEqual([on])
    expect(await subjectsOf('disabled')).toEqual([off])
    expect(await subjectsOf('')).toEqual([off, on].toSorted())
    expect((await users.list({ status: 'disabled' })).users?.[0]?.disabledAt).toBeDefined()
  })

  it.each([
    ['a status that is not listed', { status: 'removed' }, 'INVALID_ARGUMENT'],
    ['a page that is too large', { pageSize: 201 }, 'INVALID_ARGUMENT'],
    ['a token that is no subject', { pageToken: 'YSdiYg' }, 'INVALID_PAGE_TOKEN'],
  ])('refuses %s', async (_, init, reason) => {
    expect(await refusalOf(users.list(init))).toBe(reason)
  })
})

describe('disableUser', () => {
  it('raises the epoch once, with a record, and keeps the user out', async () => {
    const { subject } = await provider.signIn('alice')
    expect(await users.disable(subject, 'left')).toMatchObject({ user: { subject, status: 'disabled' } })
    await users.disable(subject, 'again')
    expect(await row(subject)).toMatchObject({ status: 'disabled', epoch: 2, version: 2 })
    expect(await records(subject)).toEqual([record(2, 'disabled')])
    expect(await refusalOf(provider.signIn('alice'))).toBe('USER_NOT_ALLOWED')
    expect((await audit()).slice(1)).toEqual([`user.disable ${subject}: left`])
  })
})

describe('enableUser', () => {
  it('lets the user sign in again, keeps the raised epoch, and writes no record', async () => {
    const { subject } = await provider.signIn('alice')
    await users.disable(subject)
    expect(await users.enable(subject, 'back')).toMatchObject({ user: { status: 'active' } })
    await users.enable(subject)
    expect(await row(subject)).toMatchObject({ status: 'active', epoch: 2, disabledAt: null })
    expect(await records(subject)).toHaveLength(1)
    expect(await provider.signIn('alice')).toMatchObject({ subject, epoch: 2 })
    expect((await audit()).filter((each) => each.startsWith('user.enable'))).toEqual([`user.enable ${subject}: back`])
  })

  it('refuses an operator that is not active, which can still disable and remove', async () => {
    const { subject } = await provider.signIn('alice')
    await users.disable(subject)
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status: 'lapsed' } })
    expect(await refusalOf(users.enable(subject))).toBe('OPERATOR_NOT_ACTIVE')
    expect(await refusalOf(users.disable(subject))).toBeUndefined()
    expect(await refusalOf(users.remove(subject))).toBeUndefined()
  })
})

describe('removeUser', () => {
  it('raises the epoch, erases the person, and can be repeated', async () => {
    const { subject } = await provider.signIn('alice', { name: 'Alice', tenant: 't1' })
    expect(await users.remove(subject)).toMatchObject({ user: { subject, status: 'removed', name: '' } })
    await users.remove(subject)
    const { createdAt: _createdAt, signedInAt: _signedInAt, removedAt, ...left } = await row(subject)
    expect(left).toEqual({
      operatorId: acme.id,
      subject,
      providerId: null,
      providerEdge: null,
      providerToken: null,
      providerTokenKey: null,
      checkedAt: null,
      askedAt: null,
      signedOutAt: expect.any(Date),
      tenant: '',
      sub: '',
      name: '',
      groups: [],
      status: 'removed',
      epoch: 2,
      version: 2,
      disabledAt: null,
    })
    expect(removedAt).not.toBeNull()
    expect(await records(subject)).toEqual([record(2, 'removed')])
    expect((await audit()).slice(1)).toEqual([`user.remove ${subject}: `])
  })

  it('leaves a user that neither DisableUser nor EnableUser finds', async () => {
    const { subject } = await provider.signIn('alice')
    await users.remove(subject)
    expect(await refusalOf(users.disable(subject))).toBe('USER_NOT_FOUND')
    expect(await refusalOf(users.enable(subject))).toBe('USER_NOT_FOUND')
  })
})

it.each(['disable', 'enable', 'remove'] as const)('%s finds no user of another operator', async (verb) => {
  const { subject } = await provider.signIn('alice')
  const other = fixture.usersOf(await fixture.operator(`other-${randomUUID()}.test`))
  expect(await refusalOf(other[verb](subject))).toBe('USER_NOT_FOUND')
  expect(await row(subject)).toMatchObject({ status: 'active', epoch: 1 })
})

it('20 sign-ins and a disabling at once leave a disabled user at the raised epoch', async () => {
  const { subject } = await provider.signIn('alice')
  const signIns = Array.from({ length: 10 }, () => refusalOf(provider.signIn('alice')))
  const disabled = users.disable(subject)
  const later = Array.from({ length: 10 }, () => refusalOf(provider.signIn('alice')))
  await disabled
  for (const refusal of await Promise.all([...signIns, ...later])) {
    expect([undefined, 'USER_NOT_ALLOWED']).toContain(refusal)
  }
  expect(await row(subject)).toMatchObject({ status: 'disabled', epoch: 2 })
})
