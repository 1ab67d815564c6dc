import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { providerOf } from '../../../test/support/users.ts'
import { userSubject } from './domain/user-subject.ts'

const database = await testDatabase()
const { db } = database
const { pool, prisma } = db
const issuer = 'https://login.example'
let operatorId: string
let provider: Awaited<ReturnType<typeof providerOf>>
beforeEach(async () => {
  operatorId = (await freshOperator(db)).id
  provider = await providerOf(db, operatorId, issuer)
})
afterAll(() => database.drop())

/** Changes the row of a user as the people part does. */
const change = (subject: string, set: string) =>
  pool.query(
    `UPDATE users SET epoch = epoch + 1, version = version + 1, ${set} WHERE operator_id = $1 AND subject = $2`,
    [operatorId, subject],
  )
const REMOVE = `status = 'removed', removed_at = now(), name = '', sub = '', tenant = '', groups = '{}', provider_id = NULL,
  provider_edge = NULL`
const audience = (name: string, users: object | null) =>
  pool.query(`INSERT INTO operator_audiences (operator_id, audience, users) VALUES ($1, $2, $3)`, [
    operatorId,
    `https://${name}.example`,
    users,
  ])
const setTotal = (amount: number) =>
  pool.query("UPDATE operator_totals SET amount = $2 WHERE operator_id = $1 AND what = 'users'", [operatorId, amount])

const scope = (name: string, groups: readonly string[]) => ({ name, words: 'Read', groups, is_default: true })

describe('signInUser', () => {
  it('makes a row with what the provider says, and writes the audit without saying who it is', async () => {
    const row = await provider.signIn('alice', { name: 'Alice\u202e Example', tenant: 't1' })
    const { edgeId } = await prisma.identityProvider.findUniqueOrThrow({ where: { id: provider.providerId } })
    const subject = userSubject({ operatorId, issuer, tenant: 't1', claim: 'sub', sub: 'alice' })
    expect(row).toMatchObject({
      operatorId,
      subject,
      providerId: provider.providerId,
      providerEdge: edgeId,
      tenant: 't1',
      sub: 'alice',
      name: 'Alice  Example',
      groups: [],
      status: 'active',
      epoch: 1,
      version: 1,
    })
    const audit = await prisma.auditLog.findMany({ where: { operatorId } })
    expect(audit).toMatchObject([{ action: 'user.sign-in', subject, reason: issuer }])
    expect(JSON.stringify(audit).toLowerCase()).not.toContain('alice')
  })

  it('updates the row at the next sign-in, and keeps the epoch', async () => {
    const first = await provider.signIn('alice', { name: 'Alice' })
    const next = await provider.signIn('alice', { name: 'Alice B' })
    expect(next).toMatchObject({ subject: first.subject, name: 'Alice B', epoch: 1, version: 2 })
    expect(next.createdAt).toEqual(first.createdAt)
    expect(await prisma.user.count({ where: { operatorId } })).toBe(1)
  })

  it('keeps only the groups that a rule of the operator names', async () => {
    await audience('one', { domains: ['*'], scopes: [scope('a', ['staff']), scope('b', [])] })
    await audience('two', { domains: ['*'], scopes: [scope('a', ['admins', 'nobody'])] })
    await audience('none', null)
    const other = await freshOperator(db)
    await pool.query('INSERT INTO operator_audiences (operator_id, audience, users) VALUES ($1, $2, $3)', [
      other.id,
      'https://other.example',
      { domains: ['*'], scopes: [scope('a', ['secret project'])] },
    ])
    const groups = ['secret project', 'staff', 'admins', 'Staff', 'private \0']
    expect((await provider.signIn('alice', { groups })).groups).toEqual(['admins', 'staff'])
    expect((await provider.signIn('alice')).groups).toEqual([])
  })

  it('keeps the consents of a user, but not those from another provider', async () => {
    const { subject } = await provider.signIn('alice')
    const given = { clientId: 'c', audience: 'a', ownerId: operatorId, clientDigest: '', givenAt: new Date() }
    await prisma.consent.create({ data: { id: randomUUID(), operatorId, subject, ...given } })
    const left = () => prisma.consent.count({ where: { operatorId, subject } })
    await provider.signIn('alice')
    expect(await left()).toBe(1)
    await prisma.user.updateMany({ where: { operatorId, subject }, data: { providerId: randomUUID() } })
    await provider.signIn('alice')
    expect(await left()).toBe(0)
  })

  it('ends the tokens of a user that has left a group, and of nobody else', async () => {
    await audience('one', { domains: ['*'], scopes: [scope('a', ['staff', 'admins'])] })
    const epochs: number[] = []
    for (const groups of [['staff'], ['staff', 'admins'], ['admins', 'staff'], ['admins'], ['admins'], []]) {
      epochs.push((await provider.signIn('alice', { groups })).epoch)
    }
    expect(epochs).toEqual([1, 1, 1, 2, 2, 3])
  })

  it('refuses a disabled user, and changes nothing', async () => {
    const { subject } = await provider.signIn('alice', { name: 'Alice' })
    await change(subject, "status = 'disabled', disabled_at = now()")
    expect(await refusalOf(provider.signIn('alice', { name: 'Mallory' }))).toBe('USER_NOT_ALLOWED')
    const row = await prisma.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId, subject } } })
    expect(row).toMatchObject({ name: 'Alice', status: 'disabled', epoch: 2 })
    expect(await prisma.auditLog.count({ where: { operatorId } })).toBe(1)
  })

  it('makes a removed user active again at the raised epoch', async () => {
    const { subject } = await provider.signIn('alice')
    await change(subject, REMOVE)
    expect(await provider.signIn('alice')).toMatchObject({ subject, status: 'active', epoch: 2, removedAt: null })
  })

  it('refuses a provider of another operator, one that is gone, and one that was changed meanwhile', async () => {
    const other = await providerOf(db, (await freshOperator(db)).id)
    const { providerId, providerEdge } = other
    expect(await refusalOf(provider.signIn('alice', { providerId, providerEdge }))).toBe('PROVIDER_NOT_FOUND')
    expect(await refusalOf(provider.signIn('alice', { providerEdge: randomUUID() }))).toBe('PROVIDER_NOT_FOUND')
    await prisma.identityProvider.delete({ where: { id: provider.providerId } })
    expect(await refusalOf(provider.signIn('alice'))).toBe('PROVIDER_NOT_FOUND')
    expect(await prisma.user.count({ where: { operatorId } })).toBe(0)
  })

  it('refuses users of an operator that is not active', async () => {
    await prisma.operator.update({ where: { id: operatorId }, data: { status: 'suspended' } })
    expect(await refusalOf(provider.signIn('alice'))).toBe('OPERATOR_NOT_ACTIVE')
  })

  it.each([
    ['is empty', { sub: '' }],
    ['has a NUL character', { sub: 'a\0' }],
    ['has a lone surrogate', { sub: '\ud800' }],
    ['has 256 characters', { sub: 'a'.repeat(256) }],
    ['has a tenant that cannot be stored', { tenant: 'a\0' }],
  ])('refuses a person whose subject %s', async (_, more) => {
    expect(await refusalOf(provider.signIn('alice', more))).toBe('INVALID_ARGUMENT')
  })

  it('gives an operator at most 100,000 users, of whom removed ones do not count', async () => {
    const { subject } = await provider.signIn('alice')
    await setTotal(100_000)
    expect(await refusalOf(provider.signIn('bob'))).toBe('TOO_MANY_USERS')
    expect(await refusalOf(provider.signIn('alice'))).toBeUndefined()
    await change(subject, REMOVE)
    expect(await refusalOf(provider.signIn('bob'))).toBeUndefined()
    expect(await refusalOf(provider.signIn('alice'))).toBe('TOO_MANY_USERS')
    expect(await prisma.user.count({ where: { operatorId } })).toBe(2)
  })

  it('counts exactly when 20 people sign in at once and one place is left', async () => {
    await provider.signIn('alice')
    await setTotal(99_999)
    const refusals = await Promise.all(Array.from({ length: 20 }, (_, at) => refusalOf(provider.signIn(`u${at}`))))
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(refusals.filter((reason) => reason === 'TOO_MANY_USERS')).toHaveLength(19)
  })

  it('makes one row when a person signs in twice at once', async () => {
    const rows = await Promise.all([provider.signIn('alice'), provider.signIn('alice')])
    expect(rows.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 2])
  })

  it('lets a person who signs in while being disabled in, or not, but never keeps the earlier epoch', async () => {
    const { subject } = await provider.signIn('alice')
    const [refusal] = await Promise.all([
      refusalOf(provider.signIn('alice')),
      change(subject, "status = 'disabled', disabled_at = now()"),
    ])
    expect([undefined, 'USER_NOT_ALLOWED']).toContain(refusal)
    const row = await prisma.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId, subject } } })
    expect(row).toMatchObject({ status: 'disabled', epoch: 2 })
  })
})

describe('the table of users', () => {
  it.each([
    ['a lower epoch', 'UPDATE users SET epoch = 0'],
    ['a lower version', 'UPDATE users SET version = 0'],
    ['the deletion of an active user', 'DELETE FROM users'],
    ['all rows to be dropped', 'TRUNCATE users CASCADE'],
    ['a user with the subject of an agent', "UPDATE users SET subject = 'did:agent:acme.example:x'"],
  ])('refuses %s', async (_, statement) => {
    await provider.signIn('alice')
    await expect(pool.query(statement)).rejects.toThrow(/may not lower|is removed first|users_subject/)
  })

  it.each([
    ['keeps', '64 minutes', 0],
    ['lets go of', '66 minutes', 1],
  ])('%s a user that was removed %s ago', async (_, ago, deleted) => {
    const { subject } = await provider.signIn('alice')
    await change(subject, REMOVE)
    await pool.query(`UPDATE users SET removed_at = now() - interval '${ago}' WHERE operator_id = $1`, [operatorId])
    const deletion = pool.query('DELETE FROM users WHERE operator_id = $1', [operatorId])
    expect(await deletion.then(({ rowCount }) => rowCount).catch(() => 0)).toBe(deleted)
  })
})
