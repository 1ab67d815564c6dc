import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { asOperator, TEST_ISSUER, type TestOperator } from '../../test/support/identity.ts'
import { NO_METADATA, peopleFixture, peopleVault } from '../../test/support/people.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { providerOf } from '../../test/support/users.ts'
import { openSecret } from './store/providers.ts'

let fixture: Awaited<ReturnType<typeof peopleFixture>>
let acme: TestOperator
let calls: ReturnType<typeof fixture.callsOf>
beforeAll(async () => {
  fixture = await peopleFixture()
})
afterAll(() => fixture.drop())
beforeEach(async () => {
  acme = await fixture.operator(`acme-${randomUUID()}.test`)
  calls = fixture.callsOf(acme)
})

const row = (name = 'work') =>
  fixture.db.prisma.identityProvider.findUniqueOrThrow({ where: { operatorId_name: { operatorId: acme.id, name } } })
const secret = async () => openSecret(peopleVault, await row())
const audit = async () => {
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { operatorId: acme.id }, orderBy: { id: 'asc' } })
  return rows.map(({ action, subject, reason }) => `${action} ${subject}: ${reason}`)
}

describe('putIdentityProvider', () => {
  it('says where a provider sends its signals, and when no token is valid any more', async () => {
    const { provider: none } = await calls.put('work')
    expect(none).toMatchObject({ signals: 'none', signalsUri: '' })
    expect(none?.signalsBound).toContain('The server does not learn it')
    const { provider } = await calls.put('work', { signals: 'ssf' })
    const signalsUri = `${TEST_ISSUER}/people/providers/${provider?.id}/events`
    expect(provider).toMatchObject({ signals: 'ssf', signalsUri })
    expect(provider?.signalsBound).toContain('once the server has answered 202')
    const { provider: sessions } = await calls.put('work', { signals: 'logout' })
    expect(sessions).toMatchObject({ onLogout: 'sessions', signalsUri: signalsUri.replace('events', 'logout') })
    expect(sessions?.signalsBound).toContain('A connection lasts 8 hours')
    const { provider: tokens } = await calls.put('work', { signals: 'logout', onLogout: 'tokens' })
    expect(tokens?.signalsBound).toContain('No token is valid')
    const { provider: refresh } = await calls.put('work', { signals: 'refresh' })
    expect(refresh).toMatchObject({ signals: 'refresh', onLogout: '', signalsUri: '' })
    expect(refresh?.signalsBound).toContain('20 minutes')
    expect(await refusalOf(calls.put('work', { signals: 'refresh', onLogout: 'tokens' }))).toBe('INVALID_ARGUMENT')
    expect(await refusalOf(calls.put('work', { signals: 'refresh', subjectClaim: 'oid' }))).toBeUndefined()
    expect(await refusalOf(calls.put('work', { signals: 'ssf', onLogout: 'tokens' }))).toBe('INVALID_ARGUMENT')
    expect(await refusalOf(calls.put('work', { signals: 'ssf', subjectClaim: 'oid' }))).toBe('INVALID_ARGUMENT')
  })

  it('creates a provider with defaults, which is listed by name and never shows its secret', async () => {
    await calls.put('work')
    await calls.put('a', { allUsers: false, requiredClaims: [{ name: 'hd', value: 'acme.example' }] })
    const { providers = [] } = await calls.list()
    expect(providers).toMatchObject([
      { name: 'a', allUsers: false, requiredClaims: [{ name: 'hd', value: 'acme.example' }] },
      {
        name: 'work',
        issuer: 'https://work.example',
        clientId: 'client',
        tokenEndpointAuthMethod: 'client_secret_basic',
        scopes: ['openid', 'profile', 'email'],
        subjectClaim: 'sub',
        requiredClaims: [],
        allUsers: true,
        groupsClaim: '',
        signals: 'none',
      },
    ])
    expect(JSON.stringify(providers, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value))).not.toContain(
      'secret"',
    )
    expect(await audit()).toEqual([
      'provider.put work: https://work.example; all users',
      'provider.put a: https://a.example; hd=acme.example',
    ])
  })

  it('seals the secret under the id of the provider', async () => {
    await calls.put('work')
    expect(Buffer.from((await row()).wrappedSecret).includes('secret')).toBe(false)
    expect(await secret()).toBe('secret')
  })

  it('changes nothing when it is repeated', async () => {
    await calls.put('work')
    const before = await row()
    await calls.put('work', { clientSecret: '' })
    await calls.put('work')
    expect(await row()).toEqual(before)
    expect(await audit()).toHaveLength(1)
  })

  it.each([
    ['another secret', { clientSecret: 'other' }],
    ['another way to send the secret', { tokenEndpointAuthMethod: 'client_secret_post' }],
  ])('keeps the edge with %s', async (_, more) => {
    await calls.put('work')
    const before = await row()
    await calls.put('work', more)
    expect(await row()).toMatchObject({ id: before.id, edgeId: before.edgeId })
    expect(await fixture.endedEdges()).not.toContain(before.edgeId)
    expect(await audit()).toHaveLength(2)
  })

  it.each([
    ['another client', { clientId: 'other' }],
    ['other scopes', { scopes: ['openid'] }],
    ['another claim as the subject', { subjectClaim: 'oid' }],
    ['required claims', { allUsers: false, requiredClaims: [{ name: 'tid', value: 'a' }] }],
    ['groups', { groupsClaim: 'groups' }],
  ])('ends the edge of a provider that gets %s, and keeps its id and its secret', async (_, more) => {
    await calls.put('work')
    const before = await row()
    await calls.put('work', { ...more, clientSecret: '' })
    const after = await row()
    expect(after.id).toBe(before.id)
    expect(after.edgeId).not.toBe(before.edgeId)
    expect(await fixture.endedEdges()).toContain(before.edgeId)
    expect(await fixture.endedEdges()).not.toContain(after.edgeId)
    expect(await secret()).toBe('secret')
  })

  it('refuses another issuer, a new provider without a secret, a second one with the issuer, and a fifth one', async () => {
    expect(await refusalOf(calls.put('work', { clientSecret: '' }))).toBe('INVALID_ARGUMENT')
    await calls.put('work')
    expect(await refusalOf(calls.put('work', { issuer: 'https://other.example' }))).toBe('INVALID_ISSUER')
    expect(await refusalOf(calls.put('b', { issuer: 'https://work.example' }))).toBe('ISSUER_EXISTS')
    for (const name of ['b', 'c', 'd']) await calls.put(name)
    expect(await refusalOf(calls.put('e'))).toBe('TOO_MANY_PROVIDERS')
    expect(await refusalOf(calls.put('b', { clientId: 'other' }))).toBeUndefined()
  })

  it('refuses a new provider when the deployment has 10,000, and still replaces one', async () => {
    await calls.put('work')
    const { id } = await fixture.operator(`many-${randomUUID()}.test`)
    const { rowCount } = await fixture.db.pool.query(
      `INSERT INTO identity_providers SELECT gen_random_uuid(), gen_random_uuid(), $1, 'p' || n, 'https://p', client_id,
         wrapped_secret, kek_id, auth_method, scopes, subject_claim, required_claims, groups_claim, signals, created_at,
         updated_at FROM (SELECT * FROM identity_providers LIMIT 1) AS one, generate_series(1, 10000) AS n`,
      [id],
    )
    expect(rowCount).toBe(10_000)
    expect(await refusalOf(calls.put('other'))).toBe('TOO_MANY_PROVIDERS')
    expect(await refusalOf(calls.put('work', { clientId: 'other' }))).toBeUndefined()
    await fixture.db.pool.query('DELETE FROM identity_providers WHERE operator_id = $1', [id])
  })

  it('refuses an operator that is not active, which can still remove a provider', async () => {
    await calls.put('work')
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status: 'lapsed' } })
    expect(await refusalOf(calls.put('work', { clientId: 'other' }))).toBe('OPERATOR_NOT_ACTIVE')
    expect(await refusalOf(calls.remove('work'))).toBeUndefined()
  })

  it('asks no provider for a request that was sent before', async () => {
    const call = asOperator(acme)
    await calls.put('work', {}, call)
    expect(await refusalOf(calls.put('other', { issuer: NO_METADATA }, call))).toBe('ASSERTION_USED')
  })

  it.each([
    ['is there already', 'work', 'https://work.example', undefined],
    ['has the issuer of another one', 'other', 'https://work.example', 'ISSUER_EXISTS'],
    ['would be another issuer', 'work', NO_METADATA, 'INVALID_ISSUER'],
  ])('asks no provider that %s', async (_, name, issuer, reason) => {
    await calls.put('work')
    const before = fixture.asked.length
    expect(await refusalOf(calls.put(name, { issuer }))).toBe(reason)
    expect(fixture.asked).toHaveLength(before)
    expect(await refusalOf(calls.put('new', { issuer: NO_METADATA }))).toBe('INVALID_ISSUER')
    expect(fixture.asked).toHaveLength(before + 1)
  })
})

describe('removeIdentityProvider', () => {
  it('removes the provider, and ends its edge', async () => {
    await calls.put('work')
    const { edgeId } = await row()
    expect(await calls.remove('work')).toMatchObject({ provider: { name: 'work' } })
    expect(await fixture.endedEdges()).toContain(edgeId)
    expect((await calls.list()).providers).toEqual([])
    expect((await audit()).at(-1)).toBe('provider.remove work: https://work.example')
    expect(await refusalOf(calls.remove('work'))).toBe('PROVIDER_NOT_FOUND')
  })

  it('does not remove the provider of another operator', async () => {
    await calls.put('work')
    const other = fixture.callsOf(await fixture.operator(`other-${randomUUID()}.test`))
    expect(await refusalOf(other.remove('work'))).toBe('PROVIDER_NOT_FOUND')
  })
})

it('a job removes sessions that have expired, and no others', async () => {
  const signIn = await providerOf(fixture.db, acme.id)
  const { subject, epoch } = await signIn.signIn('alice')
  const now = fixture.clock.now
  const session = {
    operatorId: acme.id,
    subject,
    epoch,
    providerId: acme.id,
    providerEdge: acme.id,
    signedInAt: new Date(now),
  }
  const at = (id: number, ms: number) => ({ ...session, id: Uint8Array.of(id), expiresAt: new Date(now + ms) })
  await fixture.db.prisma.webSession.createMany({ data: [at(1, 0), at(2, 1)] })
  for (const job of fixture.jobs) await job.run()
  const left = await fixture.db.prisma.webSession.findMany({ where: { subject } })
  expect(left.map(({ id }) => id[0])).toEqual([2])
})

describe.each(['released', 'superseded'] as const)('an operator that is %s', (status) => {
  it('loses its providers, whose edges end', async () => {
    await calls.put('work')
    const { edgeId } = await row()
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status } })
    expect(await fixture.db.prisma.identityProvider.count({ where: { operatorId: acme.id } })).toBe(0)
    expect(await fixture.endedEdges()).toContain(edgeId)
  })
})
