import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { newAgentParty, newKeys } from '../../support/parties.ts'
import { runSql, siblingUrl } from '../../support/sql.ts'
import { usedAssertions } from '../count-rows.ts'
import { oauthTokenBodies, RESOURCE } from '../supply-oauth.ts'
import { connectTo, describeDatabase } from './database.ts'
import { type DurablePeer, startDurablePeer } from './durable-peer.ts'

describe('Better Auth as a peer', () => {
  const started = new AsyncDisposableStack()
  const clients = [newAgentParty('one.example.com'), newAgentParty('two.example.com')]
  let peer: DurablePeer
  let ours: string

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'a4a-durable-peer-'))
    started.defer(() => rm(folder, { recursive: true }))
    const database = `durable_${randomUUID().replaceAll('-', '')}`
    await runSql(inject('postgresUrl'), `CREATE DATABASE ${database}`)
    started.defer(() => runSql(inject('postgresUrl'), `DROP DATABASE ${database} WITH (FORCE)`))
    const databaseUrl = siblingUrl(inject('postgresUrl'), database)
    const db = await connectTo(started, databaseUrl)
    ours = await describeDatabase(db)
    const machine = { pins: false, wrk: false, h2load: false }
    peer = await startDurablePeer(started, { machine, folder, db, databaseUrl }, clients)
  })
  afterAll(() => started.disposeAsync())

  const bodiesOf = (parties: typeof clients, count = 1, resource = RESOURCE) =>
    oauthTokenBodies(peer, parties, count, resource)
  const post = (body: string) =>
    fetch(peer.tokenUrl, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })
  const recorded = (...bodies: readonly string[]) => usedAssertions({ durablePeer: peer }, bodies)

  it('issues tokens for the resource that are signed with EdDSA', async () => {
    const answers = await Promise.all(bodiesOf(clients, 4).map(post))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const keys = createRemoteJWKSet(new URL(`${peer.issuer}/jwks`))
    const subjects = answers.map(async (answer) => {
      const { access_token: token, expires_in: expiresIn } = JSON.parse(await answer.text())
      const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: peer.issuer, audience: RESOURCE })
      expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
      expect([payload['scope'], expiresIn]).toEqual(['read', 900])
      return payload.sub
    })
    const [one, two] = clients.map(({ did }) => did)
    expect(await Promise.all(subjects)).toEqual([one, two, one, two])
  })

  it('records each used assertion, and accepts none twice', async () => {
    const [body = '', other = ''] = bodiesOf(clients, 2)
    expect(await recorded(body, other)).toEqual([0])
    expect((await post(body)).status).toBe(200)
    expect([await recorded(other), await recorded(body), await recorded(body, other)]).toEqual([[0], [1], [1]])
    const again = await post(body)
    expect([again.status, await again.text()]).toEqual([400, expect.stringContaining('already been used')])
  })

  it.each([
    [
      'a client with another key',
      () => bodiesOf(clients.map(({ did }) => ({ ...newAgentParty('x.example.com'), did }))),
      401,
    ],
    ['an unknown client', () => bodiesOf([newAgentParty('three.example.com', newKeys())]), 400],
    ['another resource', () => bodiesOf(clients, 1, 'https://other.example.com'), 400],
  ])('refuses %s', async (_, bodies, status) => {
    const [body = ''] = bodies()
    expect((await post(body)).status).toBe(status)
  })

  it('writes with the durability of the database of this server', async () => {
    expect(await describeDatabase(peer.db)).toBe(ours)
    expect(ours).toContain('synchronous_commit')
  })
})
