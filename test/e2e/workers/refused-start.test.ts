import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { failToStart } from '../../support/server.ts'

const KEK = randomBytes(32).toString('base64')
const taken = createServer()
let port = 0

beforeAll(async () => {
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => void taken.close())

it('a server whose workers have no such database logs one sentence and ends with status 1', async () => {
  const missing = new URL(inject('postgresUrl'))
  missing.pathname = '/nothing'
  const env = { DATABASE_URL: missing.href, AUTH4AGENT_KEK: KEK, AUTH4AGENT_WORKERS: '3' }
  expect(await failToStart(env)).toEqual({
    status: 1,
    logs: expect.stringMatching(
      /^Auth4Agent could not start: [^\n]*The database that DATABASE_URL names does not exist\.$/,
    ),
  })
})

it('a server whose port is in use logs one sentence and ends with status 1', async () => {
  const { url, drop } = await testDatabase()
  try {
    const env = { DATABASE_URL: url, AUTH4AGENT_KEK: KEK, AUTH4AGENT_WORKERS: '2', AUTH4AGENT_GRPC_PORT: String(port) }
    const { status, logs } = await failToStart({ ...env, AUTH4AGENT_LOG_LEVEL: 'silent' })
    expect({ status, logs }).toEqual({
      status: 1,
      logs: expect.stringMatching(/^Auth4Agent could not start: [^\n]*EADDRINUSE[^\n]*Set PORT, [^\n]*$/),
    })
  } finally {
    await drop()
  }
})
