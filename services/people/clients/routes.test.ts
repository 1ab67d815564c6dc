import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsFixture, documentOf } from '../../../test/support/clients.ts'
import { asOperator, type TestOperator } from '../../../test/support/identity.ts'
import { REGISTRATION_KEY } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { firstEdgeOf } from './domain/client-id.ts'
import { sealClientId } from './domain/registered-client.ts'

const AGENT = 'did:agent:agents.example:0123456789abcdef0123456789abcdef'

let fixture: Awaited<ReturnType<typeof clientsFixture>>
let acme: TestOperator
let calls: ReturnType<typeof fixture.clientCallsOf>
let app: string
beforeAll(async () => {
  fixture = await clientsFixture()
})
afterAll(() => fixture.drop())
beforeEach(async () => {
  acme = await fixture.operator(`acme-${randomUUID()}.test`)
  calls = fixture.clientCallsOf(acme)
  app = `https://${randomUUID()}.example/client.json`
  fixture.documents.set(app, documentOf(app))
})

const row = (clientId: string) =>
  fixture.db.prisma.client.findUniqueOrThrow({ where: { operatorId_clientId: { operatorId: acme.id, clientId } } })
const audit = async () => {
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { operatorId: acme.id }, orderBy: { id: 'asc' } })
  return rows.map(({ action, subject, reason }) => [action, subject, reason])
}
/** Gives the operator clients. */
const insertMany = (count: number, status: string) =>
  fixture.db.pool.query(
    `INSERT INTO clients SELECT $1, 'https://many.example/' || n, $2::client_status, gen_random_uuid(), '', now()
       FROM generate_series(1, $3::int) AS n`,
    [acme.id, status, count],
  )

describe('putClient', () => {
  it('allows a URL client with the name in its document, and an agent without asking anybody', async () => {
    expect(await calls.allow(app)).toMatchObject({ clientId: app, kind: 'url', status: 'allowed', name: 'Example' })
    const before = fixture.asked.length
    expect(await calls.allow(AGENT)).toMatchObject({ clientId: AGENT, kind: 'agent', status: 'allowed', name: '' })
    expect(fixture.asked).toHaveLength(before)
    expect((await calls.list()).clients).toMatchObject([{ clientId: AGENT }, { clientId: app }])
    expect(await audit()).toEqual([
      ['client.put', app, 'Example'],
      ['client.put', AGENT, ''],
    ])
  })

  it('changes nothing and asks nobody when the client is allowed already', async () => {
    await calls.allow(app)
    const before = await row(app)
    fixture.documents.delete(app)
    expect(await calls.allow(app)).toMatchObject({ status: 'allowed' })
    expect(await row(app)).toEqual(before)
    expect(await audit()).toHaveLength(1)
  })

  it('asks nobody for a request that was sent before', async () => {
    const call = asOperator(acme)
    await calls.allow(AGENT, call)
    const before = fixture.asked.length
    expect(await refusalOf(calls.allow(app, call))).toBe('ASSERTION_USED')
    expect(fixture.asked).toHaveLength(before)
  })

  it('reads the document of a blocked client again before it allows the client', async () => {
    await calls.allow(app)
    await calls.block(app)
    fixture.documents.set(app, documentOf(app, { redirect_uris: [] }))
    expect(await refusalOf(calls.allow(app))).toBe('CLIENT_NOT_ACCEPTED')
    expect(await row(app)).toMatchObject({ status: 'blocked' })
  })

  it('allows and blocks a registered client, with the name in its client id, and asks nobody', async () => {
    const id = sealClientId(REGISTRATION_KEY, { name: 'Example', redirectUris: ['http://localhost/callback'] })
    const before = fixture.asked.length
    expect(await calls.allow(id)).toMatchObject({
      clientId: id,
      kind: 'registered',
      status: 'allowed',
      name: 'Example',
    })
    const { edgeId } = await row(id)
    expect(await calls.block(id)).toMatchObject({ clientId: id, kind: 'registered', status: 'blocked' })
    expect(await fixture.endedEdges()).toContain(edgeId)
    expect((await calls.list()).clients).toMatchObject([{ clientId: id, kind: 'registered', status: 'blocked' }])
    expect(fixture.asked).toHaveLength(before)
  })

  it('refuses to allow a registered client whose client id this server has not given out', async () => {
    expect(await refusalOf(calls.allow(`reg_${'A'.repeat(64)}`))).toBe('CLIENT_NOT_ACCEPTED')
    expect((await calls.list()).clients).toEqual([])
  })

  it('refuses a client without a document, and asks no address for a text that names no client', async () => {
    fixture.documents.delete(app)
    expect(await refusalOf(calls.allow(app))).toBe('CLIENT_NOT_ACCEPTED')
    const before = fixture.asked.length
    for (const text of ['reg_short', 'https://client.example/', 'did:web:client.example', '']) {
      expect(await refusalOf(calls.allow(text))).toBe('INVALID_ARGUMENT')
    }
    expect(fixture.asked).toHaveLength(before)
  })

  it('refuses a further client when 1,000 are allowed, asks nobody for it, and keeps those that are', async () => {
    await calls.allow(app)
    await insertMany(999, 'allowed')
    const before = fixture.asked.length
    expect(await refusalOf(calls.allow('https://new.example/client.json'))).toBe('TOO_MANY_CLIENTS')
    expect(await refusalOf(calls.allow(AGENT))).toBe('TOO_MANY_CLIENTS')
    expect(await refusalOf(calls.allow(app))).toBeUndefined()
    expect(fixture.asked).toHaveLength(before)
    await calls.block('https://many.example/1')
    expect(await refusalOf(calls.allow(AGENT))).toBeUndefined()
    expect(await refusalOf(calls.allow('https://many.example/1'))).toBe('TOO_MANY_CLIENTS')
  })

  it('lets an operator make the server read 20 documents at once, whatever they say, and allow agents still', async () => {
    for (let n = 0; n < 20; n += 1) {
      expect(await refusalOf(calls.allow(`https://nothing.example/${n}`))).toBe('CLIENT_NOT_ACCEPTED')
    }
    expect(await refusalOf(calls.allow(app))).toBe('RATE_LIMITED')
    expect(await refusalOf(calls.allow(AGENT))).toBeUndefined()
    expect(await refusalOf(calls.block(app))).toBeUndefined()
  })

  it('refuses an operator that is not active, which can still block a client', async () => {
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status: 'lapsed' } })
    expect(await refusalOf(calls.allow(AGENT))).toBe('OPERATOR_NOT_ACTIVE')
    expect(await calls.block(AGENT)).toMatchObject({ status: 'blocked' })
  })
})

describe('blockClient', () => {
  it('ends the edge of the client, and another edge begins when the client is allowed again', async () => {
    await calls.allow(app)
    const first = await row(app)
    expect(first.edgeId).toBe(firstEdgeOf(acme.id, app))
    expect(await calls.block(app)).toMatchObject({ clientId: app, status: 'blocked' })
    expect(await fixture.endedEdges()).toContain(first.edgeId)
    await calls.allow(app)
    const second = await row(app)
    expect(second.edgeId).not.toBe(first.edgeId)
    expect(await fixture.endedEdges()).not.toContain(second.edgeId)
    await calls.block(app)
    expect(await fixture.endedEdges()).toContain(second.edgeId)
    expect((await audit()).map(([action]) => action)).toEqual([
      'client.put',
      'client.block',
      'client.put',
      'client.block',
    ])
  })

  it('ends the edge of a client that was never allowed, so `any` admits neither it nor its tokens', async () => {
    const before = fixture.asked.length
    expect(await calls.block(app)).toMatchObject({ status: 'blocked', name: '' })
    expect(fixture.asked).toHaveLength(before)
    expect(await fixture.endedEdges()).toContain(firstEdgeOf(acme.id, app))
    expect((await row(app)).edgeId).not.toBe(firstEdgeOf(acme.id, app))
  })

  it('changes nothing when the client is blocked already', async () => {
    await calls.block(app)
    const before = await row(app)
    const ended = await fixture.endedEdges()
    await calls.block(app)
    expect(await row(app)).toEqual(before)
    expect(await fixture.endedEdges()).toEqual(ended)
    expect(await audit()).toHaveLength(1)
  })

  it('does not touch the client of another operator', async () => {
    const other = await fixture.operator(`other-${randomUUID()}.test`)
    await fixture.clientCallsOf(other).allow(app)
    await calls.block(app)
    expect((await fixture.clientCallsOf(other).list()).clients).toMatchObject([{ clientId: app, status: 'allowed' }])
    expect(await fixture.endedEdges()).not.toContain(firstEdgeOf(other.id, app))
  })

  it('blocks an allowed client when the list has 10,000, but adds no further one', async () => {
    await calls.allow(app)
    await insertMany(9_999, 'blocked')
    expect(await refusalOf(calls.block(AGENT))).toBe('TOO_MANY_CLIENTS')
    expect(await refusalOf(calls.allow(AGENT))).toBe('TOO_MANY_CLIENTS')
    expect(await calls.block(app)).toMatchObject({ status: 'blocked' })
    expect(await calls.allow(app)).toMatchObject({ status: 'allowed' })
  })
})

describe('listClients', () => {
  it('lists pages in the order of client ids', async () => {
    const ids = ['a', 'b', 'c'].map((name) => `did:agent:${name}.example:0123456789abcdef0123456789abcdef`)
    for (const id of ids.toReversed()) await calls.allow(id)
    const first = await calls.list(2)
    expect(first.clients).toMatchObject([{ clientId: ids[0] }, { clientId: ids[1] }])
    const second = await calls.list(2, first.nextPageToken)
    expect(second).toMatchObject({ clients: [{ clientId: ids[2] }], nextPageToken: '' })
  })

  it('refuses a token that names no client', async () => {
    expect(await refusalOf(calls.list(0, 'YQ'))).toBe('INVALID_PAGE_TOKEN')
  })
})

describe.each(['released', 'superseded'] as const)('an operator that is %s', (status) => {
  it('loses its clients, and the edges of those that were allowed end', async () => {
    await calls.allow(app)
    await calls.block(AGENT)
    const [allowed, blocked] = [await row(app), await row(AGENT)]
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status } })
    expect(await fixture.db.prisma.client.count({ where: { operatorId: acme.id } })).toBe(0)
    expect(await fixture.endedEdges()).toContain(allowed.edgeId)
    expect(await fixture.endedEdges()).not.toContain(blocked.edgeId)
  })
})
