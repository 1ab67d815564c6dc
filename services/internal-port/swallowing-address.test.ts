import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { execPath } from 'node:process'
import { expect, it, onTestFinished } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { startProcess } from '../../test/support/server.ts'
import { until } from '../../test/support/until.ts'

const CALLED = ['OPERATOR_REGISTRY', 'IDENTITY', 'AUTHN', 'REVOCATION'] as const
/** The number of connections that fill the backlog of the listener, which accepts no connection. */
const CONNECTIONS = 8
const LISTENER = `
  require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () {
    console.log(this.address().port)
  })`
/** The number of the TCP state SYN_SENT in Linux: a connection attempt without an answer. */
const SYN_SENT = '02'

/** Opens a port that answers no connection attempt, because its listener is stopped and its backlog is full. */
async function swallowingPort(): Promise<number> {
  const child = spawn(execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const port = Number(String(line))
  child.kill('SIGSTOP')
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
  }
  return port
}

/** Counts the connection attempts to the port that have no answer yet. */
async function attempts(port: number): Promise<number> {
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((row) => row.trim().split(/\s+/))
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return rows.filter(([, , peer, state]) => peer?.endsWith(end) && state === SYN_SENT).length
}

it.each(['identity', 'jwks-gateway'] as const)(
  '%s ends soon after SIGTERM while it tries to connect to a port that does not answer',
  async (service) => {
    const port = await swallowingPort()
    const own = await until(
      () => attempts(port),
      (count) => count > 0,
    )
    const { url, drop } = await testDatabase()
    onTestFinished(drop)
    const process = await startProcess({
      services: [service],
      env: {
        DATABASE_URL: url,
        AUTH4AGENT_BASE_URL: 'https://auth.example.com',
        AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
        AUTH4AGENT_INTERNAL_PORT: '0',
        ...Object.fromEntries(CALLED.map((name) => [`AUTH4AGENT_${name}_ADDRESSES`, `127.0.0.1:${port}`])),
      },
    })
    onTestFinished(() => process.kill())
    await until(
      () => attempts(port),
      (count) => count > own,
    )
    const began = performance.now()
    expect(await process.stop()).toBe(0)
    expect(performance.now() - began).toBeLessThan(5_000)
  },
)
