import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataFolder, type DataFolder } from '../../support/data-folder.ts'
import { PATIENT } from '../../support/patient.ts'
import { endOf, npmStart } from './npm-start.ts'

/**
 * Hides process.execve, which an older Node at a first start may not have. The bootstrap then waits for the server.
 */
const WITHOUT_EXECVE = { NODE_OPTIONS: '--import=data:text/javascript,process.execve=undefined' }

let data: DataFolder

beforeAll(async () => {
  data = await createDataFolder()
})
afterAll(() => data?.remove())

/** SIGHUP and SIGKILL end npm itself before the server has stopped, so npm has no exit status then. */
it.each<[signal: NodeJS.Signals, status: number | string]>([
  ['SIGTERM', 0],
  ['SIGINT', 0],
  ['SIGHUP', 'SIGHUP'],
  ['SIGKILL', 'SIGKILL'],
])('npm start: %s to npm stops the server and its database cleanly', async (signal, status) => {
  const started = await npmStart(data)
  expect(started.chain).toHaveLength(2)
  process.kill(started.chain[0] ?? 0, signal)
  expect(await endOf(started)).toContain('"msg":"stopped"')
  expect(await started.ended).toBe(status)
})

it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGHUP'])(
  'npm start: %s to the server stops the server and its database cleanly, and npm exits with 0',
  async (signal) => {
    const started = await npmStart(data)
    process.kill(started.chain.at(-1) ?? 0, signal)
    expect(await endOf(started)).toContain('"msg":"stopped"')
    expect(await started.ended).toBe(0)
  },
)

it.each<[signal: NodeJS.Signals, index: number, status: number | string]>([
  ['SIGTERM', 0, 0],
  ['SIGKILL', 0, 'SIGKILL'],
  ['SIGTERM', 1, 0],
  ['SIGINT', 1, 0],
  ['SIGHUP', 1, 0],
  ['SIGKILL', 1, 'SIGKILL'],
  ['SIGTERM', 2, 0],
])(
  'npm start: when the bootstrap cannot replace its process, %s to process %i of the chain stops all cleanly',
  async (...row) => {
    const [signal, index, status] = row
    const started = await npmStart(data, WITHOUT_EXECVE)
    expect(started.chain).toHaveLength(3)
    process.kill(started.chain[index] ?? 0, signal)
    expect(await endOf(started)).toContain('"msg":"stopped"')
    expect(await started.ended).toBe(status)
  },
)

it('npm start: a clean stop logs no warning', async () => {
  const started = await npmStart(data, PATIENT)
  process.kill(started.chain[0] ?? 0, 'SIGTERM')
  await endOf(started)
  expect(started.output()).not.toMatch(/"level":[45]0/)
})

it('npm start: the environment of PostgreSQL contains no setting of the server', async () => {
  const secret = 'fe'.repeat(32)
  const kek = Buffer.from(secret, 'hex').toString('base64')
  const folder = await createDataFolder()
  try {
    const started = await npmStart(folder, { AUTH4AGENT_KEK: kek, AUTH4AGENT_OTHER_KEKS: kek, LC_ALL: 'C' })
    const environ = await readFile(`/proc/${started.postmaster}/environ`, 'utf8')
    process.kill(started.chain[0] ?? 0, 'SIGTERM')
    await endOf(started)
    expect(environ).toContain('PATH=')
    expect(environ).toContain('LC_ALL=C')
    expect(environ).not.toMatch(/AUTH4AGENT|DATABASE_URL|NATS_URL|npm_/)
    expect(environ).not.toContain(kek)
  } finally {
    await folder.remove()
  }
})
