import { type KeyObject, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataFolder, type DataFolder } from '../../support/data-folder.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type Asserter, adminAsserter, keysOf, newKeys, operatorAsserter } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { type RunningServer, startServer } from '../../support/server.ts'
import { activeAgent, expectStatus, type OperatorParty, signedChallenge } from '../../support/story.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'

/** Texts that must not be in any log, by what they are. */
const secrets = new Map<string, string>()
const requestId = `marker-${randomUUID()}`
let data: DataFolder
let server: RunningServer
let client: ProtocolClient
let operator: OperatorParty

beforeAll(async () => {
  data = await createDataFolder()
  server = await startServer({ AUTH4AGENT_DATA_DIR: data.path, AUTH4AGENT_LOG_LEVEL: 'debug' })
  client = protocolClient(server.baseUrl)
})
afterAll(async () => {
  await server?.stop()
  await data?.remove()
})

it('1. a full run, with what goes right', async () => {
  const rootKeys = newKeys()
  const { id } = expectStatus(201, await client.registerOperator('agents.test', rootKeys))
  keepPrivateKey('root key', rootKeys.privateKey)
  operator = { id: String(id), domain: 'agents.test', ...recorded(operatorAsserter(rootKeys, String(id), ISSUER)) }
  expectStatus(200, await client.confirm(operator.id))
  const agent = await activeAgent(client, operator)
  keepPrivateKey('agent key', agent.privateKey)
  for (let turn = 0; turn < 3; turn += 1) {
    const body = await signedChallenge(client, agent)
    const { token } = expectStatus(200, await client.token(body))
    keep(`challenge signature ${turn}`, body.signature)
    keepJws('token', String(token))
    expectStatus(200, await client.verify(token))
    expectStatus(200, await (turn === 0 ? client.revokeToken(token) : client.verify(token)))
    expectStatus(409, await client.token(body))
  }
  const admin = recorded(adminAsserter(keysOf(await readFile(join(data.path, 'admin-key.pem'), 'utf8')), ISSUER))
  for (const call of ['suspend', 'reinstate'])
    expectStatus(200, await client.signed('POST', `/v1/operators/${operator.id}/${call}`, null, admin))
  const { body } = await client.get(`/v1/operators/${operator.id}/audit`, operator)
  expect(JSON.stringify(body)).toContain('token.issue')
})

it('2. secrets where they do not belong', async () => {
  const [token = ''] = [...secrets].flatMap(([name, text]) => (name.startsWith('token') ? [text] : []))
  const assertion = operator.assert('GET /nowhere')
  const misplaced = [
    client.send('GET', `/v1/agent/${token}`),
    client.send('GET', `/v1/operators/${token}?access_token=${token}`),
    client.send('GET', `/${token}`),
    client.send('POST', '/v1/verify', token),
    client.send('POST', '/v1/verify', `{"token":"${token}"`),
    client.send('POST', '/v1/verify', `{"token":["${token}"]}`),
    client.send('POST', '/v1/challenge', JSON.stringify({ did: token, scope: token, audience: token, ttl: token })),
    client.send('POST', '/v1/revoke/token', JSON.stringify({ jti: token, reason: token })),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, assertion),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, `Basic ${token}`),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, `Bearer ${token}`),
  ]
  for (const { status } of await Promise.all(misplaced)) {
    expect(status === 200 || (status >= 400 && status < 500)).toBe(true)
  }
  const stubs = stubsOf(server.grpcAddress)
  const method = 'auth4agent.v1.IdentityService/SuspendAgent'
  const request = { operatorId: operator.id, agent: token, reason: token }
  expect(await stubs.call(method, request, operator.assert('another/Call'))).toMatchObject({ ok: false })
  stubs.close()
  await fetch(`${server.baseUrl}/v1/agent/did:agent:agents.test:0`, { headers: { 'x-request-id': requestId } })
})

it('3. the files of the data folder, after the server has ended', async () => {
  for (const name of ['key-encryption-key', 'postgres-password'])
    keep(name, (await readFile(join(data.path, name), 'utf8')).trim())
  const kek = Buffer.from(secrets.get('key-encryption-key') ?? '', 'base64')
  keep('key-encryption-key in hex', kek.toString('hex'))
  const pem = await readFile(join(data.path, 'admin-key.pem'), 'utf8')
  keep('administrator key in PEM', pem.split('\n')[1] ?? '')
  keepPrivateKey('administrator key', keysOf(pem).privateKey)
  expect(await server.stop()).toBe(0)
})

it('4. the logs tell of the run, and hold none of the secrets', () => {
  const logs = server.logs()
  expect(logs).toContain(requestId)
  for (const rpc of ['AuthnService/IssueToken', 'AuthnService/VerifyToken', 'IdentityService/SuspendAgent'])
    expect(logs).toContain(rpc)
  expect(logs).toContain('"level":20')
  expect(secrets.size).toBeGreaterThan(30)
  expect([...secrets].filter(([, text]) => logs.includes(text)).map(([name]) => name)).toEqual([])
})

let count = 0

/** A secret counts as in the logs when so much of it is there. */
const TELLING = 24

function keep(name: string, text: string): void {
  if (text.length < TELLING) throw new Error(`${name} is too short to look for`)
  secrets.set(name, text)
}

/** A token or assertion, and its signature alone. */
function keepJws(kind: string, jws: string): void {
  count += 1
  keep(`${kind} ${count}`, jws)
  keep(`signature of ${kind} ${count}`, (jws.split('.')[2] ?? '').slice(0, TELLING))
}

function keepPrivateKey(name: string, key: KeyObject): void {
  const { d = '' } = key.export({ format: 'jwk' })
  for (const encoding of ['base64url', 'base64', 'hex'] as const)
    keep(`${name} in ${encoding}`, Buffer.from(d, 'base64url').toString(encoding))
}

/** The same asserter, whose assertions are kept. */
function recorded(asserter: Asserter): Asserter {
  return {
    assert(rpc) {
      const header = asserter.assert(rpc)
      keepJws('assertion', header.slice('Bearer '.length))
      return header
    },
  }
}
