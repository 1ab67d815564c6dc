import { createHash } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { outcomeOf } from '../../support/protocol-client.ts'
import { activeAgent, issueToken, provenOperator } from '../../support/story.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import { joseOwnKey, type OwnKey, opensslOwnKey } from '../key-import/own-keys.ts'

const IMPORT = 'auth4agent.v1.KeysService/ImportSigningKey'
const HEX = /x((?:[0-9a-f]{2}){8,})/g

let deployment: Deployment
let db: Client

beforeAll(async () => {
  deployment = await startDeployment()
  db = new Client({ connectionString: deployment.databaseUrl })
  await db.connect()
})
afterAll(async () => {
  await db?.end()
  await deployment?.stop()
})

it('an imported private key is nowhere in the database, and the digest of its request is kept', async () => {
  const keys = [
    await opensslOwnKey('ES256', 'EC', 'ec_paramgen_curve:P-256'),
    await joseOwnKey('RS256'),
    await joseOwnKey('EdDSA'),
  ]
  const [overRest, overGrpc, overConnect] = keys as [OwnKey, OwnKey, OwnKey]
  const bodies = [JSON.stringify({ key: overRest.text }), JSON.stringify({ key: overConnect.text })] as const

  const rest = deployment.client.send('POST', '/v1/keys/import', bodies[0], asserted('POST /v1/keys/import', bodies[0]))
  expect(outcomeOf(await rest)).toBe('201 OK')
  const connect = deployment.client.send('POST', `/${IMPORT}`, bodies[1], asserted(IMPORT, bodies[1]))
  expect(outcomeOf(await connect)).toBe('200 OK')
  const stubs = stubsOf(deployment.server.grpcAddress)
  const grpc = await stubs
    .call(IMPORT, { key: overGrpc.text }, deployment.admin.assert(IMPORT))
    .finally(() => stubs.close())
  expect(grpc).toMatchObject({ ok: true })

  const { rows } = await db.query<{ body: Buffer | null; body_digest: string; kid: string }>(
    "SELECT body, body_digest, kid FROM audit_logs a JOIN signed_requests s ON s.id = a.signed_request_id WHERE action = 'key.import'",
  )
  expect(rows.map(({ body }) => body)).toEqual([null, null, null])
  expect(rows.map((row) => row.body_digest)).toEqual(expect.arrayContaining(bodies.map(digest)))
  expect(rows.every(({ kid }) => kid.length === 43)).toBe(true)

  const text = await everythingIn(db)
  expect(text).toContain('key.import')
  for (const { secrets } of keys) {
    expect(secrets.length).toBeGreaterThan(1)
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
  }
})

it('a token that an operator revokes is nowhere in the database, and the digest of the request is kept', async () => {
  const { client, dns } = deployment
  const operator = await provenOperator(client, dns, 'agents.example.com')
  const { token } = await issueToken(client, await activeAgent(client, operator))
  const body = JSON.stringify({ token, reason: 'leaked' })
  const rpc = 'POST /v1/revoke/token'
  const revoked = client.send('POST', '/v1/revoke/token', body, operator.assert(rpc, { body: digest(body) }))
  expect(outcomeOf(await revoked)).toBe('200 OK')
  const { rows } = await db.query('SELECT body, body_digest FROM signed_requests WHERE rpc = $1', [rpc])
  expect(rows).toEqual([{ body: null, body_digest: digest(body) }])
  const signature = String(token).split('.')[2] ?? ''
  expect((await everythingIn(db)).includes(signature)).toBe(false)
})

it('the body of every other change is kept, so that the search above would find it', async () => {
  const reason = `a reason ${'x'.repeat(40)}`
  const body = JSON.stringify({ reason })
  await deployment.client.send(
    'POST',
    '/v1/deployment/end-all-tokens',
    body,
    deployment.admin.assert('POST /v1/deployment/end-all-tokens'),
  )
  const { rows } = await db.query(
    "SELECT 1 FROM signed_requests WHERE rpc = 'POST /v1/deployment/end-all-tokens' AND body IS NOT NULL",
  )
  expect(rows).toHaveLength(1)
  expect((await everythingIn(db)).split(reason).length).toBeGreaterThan(2)
})

const digest = (body: string) => createHash('sha256').update(body).digest('base64url')
const asserted = (rpc: string, body: string) => deployment.admin.assert(rpc, { body: digest(body) })

/** Returns the text of every row of every table, and what its bytes say as text. */
async function everythingIn(client: Client): Promise<string> {
  const tables = await client.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  )
  const texts: string[] = []
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`)
    texts.push(...rows.map(({ row }) => row))
  }
  const text = texts.join('\n')
  const bytes = [...text.matchAll(HEX)].map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
  return [text, ...bytes].join('\n')
}
