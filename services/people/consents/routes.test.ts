import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { asOperator, type TestOperator } from '../../../test/support/identity.ts'
import { CLIENT, type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { pruneConnections } from '../connections/prune-connections.ts'
import { consentRoutes } from './routes.ts'

const world = useUserWorld()
const { method } = PeopleService

function callsOf(operator: TestOperator) {
  const { db } = world().database
  const handlers = consentRoutes({ db, readDb: db })
  return {
    list: async (wanted: object = {}) => {
      const request = create(method.listConsents.input, { id: operator.id, ...wanted })
      const { consents = [], nextPageToken = '' } = await handlers.listConsents(request, asOperator(operator))
      return { consents, nextPageToken, ids: consents.map(({ id = '' }) => id) }
    },
    withdraw: (consentId: string) =>
      handlers.withdrawConsent(
        create(method.withdrawConsent.input, { id: operator.id, consentId }),
        asOperator(operator),
      ),
    end: (connectionId: string) =>
      handlers.endConnection(
        create(method.endConnection.input, { id: operator.id, connectionId }),
        asOperator(operator),
      ),
  }
}

/** Connects the client for a user. */
async function connect(user: ConsentedUser) {
  const { code, redeem } = world()
  const id = randomUUID()
  const { accessToken: token = '', refreshToken = '' } = await redeem(await code(user, { id }))
  return { id, token, refreshToken }
}

async function verdictOf({ token }: { readonly token: string }, { audience }: ConsentedUser) {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
  const { valid, reason } = await world().instances[1].verify(token, wanted)
  return valid === true ? 'VALID' : reason
}

const auditOf = (subject: string, action: string) =>
  world().database.db.prisma.auditLog.findMany({ where: { subject, action } })

/** Operators that have a say in a consent of a user at an audience of another operator. */
const SIDES = [
  ['the operator of the user', ({ operator }: ConsentedUser) => operator],
  ['the owner of the audience', ({ owner }: ConsentedUser) => owner],
] as const

describe('ListConsents', () => {
  it.each(SIDES)('shows a consent with its connections to %s', async (_, sideOf) => {
    const user = await world().user('another')
    const [first, second] = [await connect(user), await connect(user)]
    const { consents } = await callsOf(sideOf(user)).list()
    expect(consents).toMatchObject([
      {
        id: user.consentId,
        operatorId: user.operator.id,
        subject: user.subject,
        clientId: CLIENT,
        audience: user.audience,
        ownerId: user.owner.id,
        capabilities: [`${user.audience}#read`, `${user.audience}#write`],
        connections: [
          { id: first.id, scopes: ['read', 'write'] },
          { id: second.id, scopes: ['read', 'write'] },
        ],
      },
    ])
    expect((await callsOf(await freshOperator(world().database.db)).list()).ids).toEqual([])
  })

  it('shows the newest first, in pages, and each consent once', async () => {
    const user = await world().user()
    const { prisma } = world().database.db
    const { id: _, ...row } = await prisma.consent.findUniqueOrThrow({ where: { id: user.consentId } })
    const oldest = randomUUID()
    const ids = [oldest, randomUUID(), randomUUID()]
    // The last two were given at the same time.
    for (const [at, id] of ids.entries()) {
      const givenAt = new Date(row.givenAt.getTime() + 1_000 * Math.min(at + 1, 2))
      await prisma.consent.create({ data: { ...row, id, edgeId: randomUUID(), clientId: `${CLIENT}${at}`, givenAt } })
    }
    const calls = callsOf(user.operator)
    const shown: string[] = []
    let pageToken = ''
    do {
      const page = await calls.list({ pageSize: 1, pageToken })
      shown.push(...page.ids)
      pageToken = page.nextPageToken
    } while (pageToken !== '')
    const same = ids.slice(1).toSorted().toReversed()
    expect(shown).toEqual([...same, oldest, user.consentId])
    expect((await calls.list({ clientId: `${CLIENT}0` })).ids).toEqual([oldest])
  })

  it('has one order for consents of both sides that were given at the same time', async () => {
    const user = await world().user('another')
    const { prisma } = world().database.db
    const { id: _, edgeId: __, ...row } = await prisma.consent.findUniqueOrThrow({ where: { id: user.consentId } })
    const own = await prisma.user.findFirstOrThrow({ where: { operatorId: user.operator.id } })
    await prisma.user.create({ data: { ...own, operatorId: user.owner.id } })
    const [lower = '', higher = ''] = [randomUUID(), randomUUID()].toSorted()
    const givenAt = new Date(row.givenAt.getTime() + 1_000)
    const later = { ...row, givenAt, clientId: `${CLIENT}?later` }
    await prisma.consent.create({ data: { ...later, id: lower, operatorId: user.owner.id } })
    await prisma.consent.create({ data: { ...later, id: higher } })
    const { list } = callsOf(user.owner)
    expect((await list()).ids).toEqual([higher, lower, user.consentId])
    const first = await list({ pageSize: 1 })
    expect((await list({ pageToken: first.nextPageToken })).ids).toEqual([lower, user.consentId])
  })

  it('leaves out consents with another user, client or audience', async () => {
    const user = await world().user('another')
    for (const side of [user.operator, user.owner]) {
      const { list } = callsOf(side)
      const fitting = { subject: user.subject, clientId: CLIENT, audience: user.audience }
      expect((await list(fitting)).ids).toEqual([user.consentId])
      for (const name of Object.keys(fitting)) expect((await list({ ...fitting, [name]: 'x' })).ids).toEqual([])
    }
  })
})

describe('WithdrawConsent', () => {
  it.each(SIDES)('by %s ends every token and refresh token of the consent', async (_, sideOf) => {
    const { user: insert, refresh } = world()
    const user = await insert('another')
    const connections = [await connect(user), await connect(user)]
    for (const each of connections) expect(await verdictOf(each, user)).toBe('VALID')
    const { withdraw, list } = callsOf(sideOf(user))
    const { consent } = await withdraw(user.consentId)
    expect(consent?.connections?.map(({ id }) => id)).toEqual(connections.map(({ id }) => id))
    for (const each of connections) {
      expect(await verdictOf(each, user)).toBe('TRUST_ENDED')
      expect(await refusalOf(refresh(each.refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    }
    expect((await list()).ids).toEqual([])
    expect(await refusalOf(withdraw(user.consentId))).toBe('CONSENT_NOT_FOUND')
    const audit = await auditOf(user.consentId, 'consent.withdraw')
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(new Set([user.operator.id, user.owner.id]))
    expect(audit[0]?.reason).toContain(`user ${user.subject}; client ${CLIENT}; capabilities ["${user.audience}#read"`)
  })

  it('by another operator is CONSENT_NOT_FOUND, as for a consent that does not exist, and ends nothing', async () => {
    const user = await world().user('another')
    const connection = await connect(user)
    const { withdraw } = callsOf(await freshOperator(world().database.db))
    for (const id of [user.consentId, randomUUID(), 'nothing']) {
      await expect(withdraw(id)).rejects.toMatchObject({ reason: 'CONSENT_NOT_FOUND', message: expect.any(String) })
    }
    expect(await verdictOf(connection, user)).toBe('VALID')
  })
})

describe('EndConnection', () => {
  it.each(SIDES)('by %s ends the tokens of this connection, and of no other', async (_, sideOf) => {
    const { user: insert, refresh } = world()
    const user = await insert('another')
    const [ended, other] = [await connect(user), await connect(user)]
    const { end, list } = callsOf(sideOf(user))
    expect(await end(ended.id)).toMatchObject({ connection: { id: ended.id } })
    expect(await verdictOf(ended, user)).toBe('TRUST_ENDED')
    expect(await refusalOf(refresh(ended.refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await verdictOf(other, user)).toBe('VALID')
    expect((await list()).consents[0]?.connections?.map(({ id }) => id)).toEqual([other.id])
    expect(await refusalOf(end(ended.id))).toBe('CONNECTION_NOT_FOUND')
    const audit = await auditOf(ended.id, 'connection.end')
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(new Set([user.operator.id, user.owner.id]))
  })

  it('by another operator is CONNECTION_NOT_FOUND, and ends nothing', async () => {
    const user = await world().user('another')
    const connection = await connect(user)
    const { end } = callsOf(await freshOperator(world().database.db))
    for (const id of [connection.id, user.consentId, randomUUID(), 'nothing']) {
      expect(await refusalOf(end(id))).toBe('CONNECTION_NOT_FOUND')
    }
    expect(await verdictOf(connection, user)).toBe('VALID')
  })
})

describe('the job about connections', () => {
  it('removes those that expired more than 10 minutes ago, and writes nothing to the revocation log', async () => {
    const { database, user: insert } = world()
    const user = await insert()
    const [old, young, alive] = [await connect(user), await connect(user), await connect(user)]
    const expire = (id: string, minutes: number) =>
      database.db.prisma.connection.update({
        where: { id },
        data: { expiresAt: new Date(Date.now() - minutes * 60_000) },
      })
    await expire(old.id, 12)
    await expire(young.id, 9)
    await pruneConnections(database.db.pool, Date.now())
    const rows = await database.db.prisma.connection.findMany({ where: { consentId: user.consentId } })
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([young.id, alive.id]))
    const { rowCount } = await database.db.pool.query('SELECT 1 FROM revocation_log WHERE subject = $1', [old.id])
    expect(rowCount).toBe(0)
    // The consent stays.
    expect((await callsOf(user.operator).list()).ids).toEqual([user.consentId])
  })
})
