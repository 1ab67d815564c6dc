import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataFolder, type DataFolder, isRunning } from '../../support/data-folder.ts'
import { ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, adminAsserter, keysOf, newKeys, operatorAsserter } from '../../support/parties.ts'
import { type Json, type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { failToStart, type RunningServer, startServer } from '../../support/server.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty } from '../../support/story.ts'
import { until } from '../../support/until.ts'

/** Runs the server as `npm start` does, except for the ports and the data folder. */
describe('a server on the embedded database', () => {
  const domain = 'agents.test'
  let data: DataFolder
  let server: RunningServer
  let client: ProtocolClient
  let operator: OperatorParty
  let agent: AgentParty
  let issued: Json
  let keys: unknown

  const start = async () => {
    server = await startServer({ AUTH4AGENT_DATA_DIR: data.path })
    client = protocolClient(server.baseUrl)
  }
  const publishedKeys = async () => expectStatus(200, await client.get('/.well-known/jwks.json')).keys

  beforeAll(async () => {
    data = await createDataFolder()
    await start()
  })
  afterAll(async () => {
    await server?.stop()
    await data?.remove()
  })

  it('1. the server prints its addresses, its data folder and the next step', () => {
    const port = new URL(server.baseUrl).port
    for (const text of [
      `REST      http://localhost:${port}`,
      `gRPC      localhost:`,
      data.path,
      '/.well-known/jwks.json',
    ])
      expect(server.logs()).toContain(text)
  })

  it('the server logs which engine signs and verifies', () => {
    expect(server.logs()).toContain('"engine":"libsodium","msg":"the engine for Ed25519 is chosen"')
  })

  it('2. the server keeps its secrets in files that only their owner can read', async () => {
    for (const name of ['admin-key.pem', 'key-encryption-key', 'postgres-password']) {
      const { mode } = await stat(join(data.path, name))
      expect({ name, mode: (mode & 0o777).toString(8) }).toEqual({ name, mode: '600' })
    }
  })

  it('3. the server confirms a domain under .test without DNS, and reports that in the answer and the log', async () => {
    const rootKeys = newKeys()
    const { id } = expectStatus(201, await client.registerOperator(domain, rootKeys))
    const confirmed = expectStatus(200, await client.confirm(String(id)))
    expect(confirmed).toMatchObject({ verified: true, message: expect.stringContaining('NOT proven by DNS') })
    // The server may write the log line after it answers.
    await until(
      async () => server.logs(),
      (logs) => logs.includes('a test domain was confirmed without DNS'),
    )
    operator = { id: String(id), domain, ...operatorAsserter(rootKeys, String(id), ISSUER) }
    agent = await activeAgent(client, operator)
    issued = await issueToken(client, agent)
  })

  it('4. the server accepts the administrator whose key it created', async () => {
    const admin = adminAsserter(keysOf(await readFile(join(data.path, 'admin-key.pem'), 'utf8')), ISSUER)
    const path = `/v1/operators/${operator.id}`
    expectStatus(200, await client.signed('POST', `${path}/suspend`, null, admin))
    expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: false })
    expectStatus(200, await client.signed('POST', `${path}/reinstate`, null, admin))
    issued = await issueToken(client, agent)
    keys = await publishedKeys()
  })

  it('5. a second server refuses to start with the same data folder', async () => {
    const { status, logs } = await failToStart({ AUTH4AGENT_DATA_DIR: data.path })
    expect({ status, logs }).toEqual({ status: 1, logs: expect.stringContaining(`process ${server.pid}`) })
    expect(await client.get('/ready')).toMatchObject({ status: 200 })
  })

  it('6. a SIGINT, as from Ctrl-C, stops the server and its database', async () => {
    const pids = [server.pid, (await data.postmasterPid()) ?? 0]
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true])
    expect(await server.stop('SIGINT')).toBe(0)
    expect(await Promise.all(pids.map(isRunning))).toEqual([false, false])
    expect(await data.postmasterPid()).toBeUndefined()
  })

  it('7. a server with another issuer refuses to start on this database', async () => {
    const env = { AUTH4AGENT_DATA_DIR: data.path, AUTH4AGENT_BASE_URL: 'http://localhost:7' }
    const { status, logs } = await failToStart(env)
    expect(status).toBe(1)
    expect(logs).toContain('This database belongs to the issuer http://localhost:8080')
  })

  it('8. all data is still there after the second start', async () => {
    await start()
    expect(await publishedKeys()).toEqual(keys)
    expect((await client.getOperator(operator.id)).body).toMatchObject({ domain, status: 'active' })
    expect((await client.listAgents(operator.id, operator)).body).toMatchObject([{ did: agent.did, status: 'active' }])
    expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: true })
    await issueToken(client, agent)
  })

  it('9. a new server stops the database of a killed server, and all data is still there', async () => {
    const orphan = (await data.postmasterPid()) ?? 0
    await server.kill()
    expect(await isRunning(orphan)).toBe(true)
    await start()
    expect(await isRunning(orphan)).toBe(false)
    expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: true })
  })

  it('10. the server restarts its database when the database dies', async () => {
    const killed = (await data.postmasterPid()) ?? 0
    process.kill(killed, 'SIGKILL')
    await until(
      () => data.postmasterPid(),
      (pid) => pid !== undefined && pid !== killed,
    )
    await until(
      () => client.verify(issued.token),
      ({ status, body }) => status === 200 && body.valid === true,
    )
  })

  it('11. the server logs the cause and exits with status 1 when it cannot restart its database', async () => {
    const postmaster = (await data.postmasterPid()) ?? 0
    await rename(join(data.path, 'postgres'), join(data.path, 'gone'))
    process.kill(postmaster, 'SIGKILL')
    await until(
      () => isRunning(server.pid),
      (runs) => !runs,
    )
    expect(await server.stop()).toBe(1)
    expect(server.logs()).toContain('The embedded database is lost: ')
  })
})

describe('names under .test', () => {
  it('are refused when the server uses an external database', async () => {
    const deployment = await startDeployment()
    try {
      expect(await deployment.client.registerOperator('agents.test', newKeys())).toMatchObject({
        status: 400,
        body: { reason: 'INVALID_DOMAIN' },
      })
    } finally {
      await deployment.stop()
    }
  })

  it('are refused when the listener accepts connections from other machines', async () => {
    const data = await createDataFolder()
    const env = { AUTH4AGENT_DATA_DIR: data.path, AUTH4AGENT_HOST: '0.0.0.0', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' }
    const server = await startServer(env)
    try {
      const client = protocolClient(server.baseUrl)
      expect(await client.registerOperator('agents.test', newKeys())).toMatchObject({ status: 400 })
    } finally {
      await server.stop()
      await data.remove()
    }
  })
})
