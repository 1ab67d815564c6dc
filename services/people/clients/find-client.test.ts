import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsFixture, documentOf } from '../../../test/support/clients.ts'
import type { TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { firstEdgeOf } from './domain/client-id.ts'

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

const find = (clientId: string, ownerId = acme.id) => fixture.findClient(ownerId, clientId, '192.0.2.1')

describe('findClient', () => {
  it('finds a client about which the owner has said nothing, with the edge that the first block ends', async () => {
    const found = await find(app)
    expect(found).toMatchObject({ clientId: app, kind: 'url', status: 'unknown', edgeId: firstEdgeOf(acme.id, app) })
    await calls.block(app)
    expect(await fixture.endedEdges()).toContain(found.edgeId)
  })

  it('finds an allowed client with the same edge, and with another one after a block', async () => {
    const { edgeId } = await find(app)
    await calls.allow(app)
    expect(await find(app)).toMatchObject({ status: 'allowed', edgeId })
    await calls.block(app)
    expect(await find(app)).toMatchObject({ status: 'blocked' })
    await calls.allow(app)
    const again = await find(app)
    expect(again.status).toBe('allowed')
    expect(await fixture.endedEdges()).not.toContain(again.edgeId)
  })

  it('gives a client at each owner a standing and an edge of its own', async () => {
    await calls.block(app)
    const other = await fixture.operator(`other-${randomUUID()}.test`)
    const found = await find(app, other.id)
    expect(found.status).toBe('unknown')
    expect(await fixture.endedEdges()).not.toContain(found.edgeId)
  })

  it('fetches no document until the caller wants it', async () => {
    const before = fixture.asked.length
    const found = await find(app)
    expect(fixture.asked).toHaveLength(before)
    if (found.kind !== 'url') throw new Error('the client is no URL client')
    expect(await found.readDocument()).toMatchObject({ clientId: app, name: 'Example', authMethod: 'none' })
    expect(fixture.asked.slice(before)).toEqual([app])
  })

  it('finds an agent without a document', async () => {
    expect(await find(AGENT)).toEqual({
      clientId: AGENT,
      kind: 'agent',
      status: 'unknown',
      edgeId: firstEdgeOf(acme.id, AGENT),
    })
  })

  it.each(['', 'client', 'http://client.example/client.json', 'https://client.example/', 'reg_0123456789abcdef'])(
    'refuses %j, which names no client',
    async (text) => {
      expect(await refusalOf(find(text))).toBe('CLIENT_NOT_ACCEPTED')
    },
  )
})
