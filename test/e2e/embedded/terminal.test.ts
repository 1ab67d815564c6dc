import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataFolder, type DataFolder } from '../../support/data-folder.ts'
import { guard } from '../../support/guardian.ts'
import { PATIENT } from '../../support/patient.ts'
import { type Environment, startServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SLOW_START = / the database of the embedded PostgreSQL /
const TEXT_LINE = /^\d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO |WARN |ERROR) /

let data: DataFolder

beforeAll(async () => {
  data = await createDataFolder()
})
afterAll(() => data?.remove())

/** Runs a server on its own terminal, calls it and presses Ctrl-C. Returns the lines that the terminal showed. */
async function onTerminal(env: Environment = {}): Promise<readonly string[]> {
  const { PATH, HOME } = process.env
  const command = `exec ${process.execPath} services/main.ts`
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: ROOT,
    env: { PATH, HOME, PORT: '0', AUTH4AGENT_GRPC_PORT: '0', AUTH4AGENT_DATA_DIR: data.path, ...PATIENT, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  guard(terminal, 'SIGTERM')
  let shown = ''
  terminal.stdout.on('data', (text: Buffer) => (shown += String(text)))
  const ended = once(terminal, 'exit')
  const base = await until(
    async () => /httpPort"?[=:](\d+)/.exec(shown)?.[1],
    (port) => port !== undefined,
  )
  expect((await fetch(`http://127.0.0.1:${base}/.well-known/jwks.json`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${base}/v1/agent/did:agent:nowhere.test:x`)).status).toBe(400)
  terminal.stdin.write('\u0003')
  expect(await ended).toEqual([0, null])
  return shown.trimEnd().split('\r\n')
}

const isLogLine = (line: string) => TEXT_LINE.test(line) || line.startsWith('{')
const calls = (lines: readonly string[]) =>
  lines.filter((line) => /\bcall\b.*rpc/.test(line) || line.includes('"msg":"call"'))

describe('a server on a terminal', () => {
  it('writes log lines as text without a line for each call, and ends with "stopped" and no warning', async () => {
    const lines = await onTerminal()
    const logged = lines.filter((line) => isLogLine(line) && !SLOW_START.test(line))
    expect(logged.every((line) => TEXT_LINE.test(line))).toBe(true)
    expect(logged.filter((line) => /WARN|ERROR/.test(line))).toEqual([])
    expect(calls(lines)).toEqual([])
    expect(lines.at(-1)).toMatch(/INFO {2}stopped$/)
    expect(lines.join('\n')).toContain('npx auth4agent demo')
  })

  it('writes a log line for each call at level debug', async () => {
    const lines = await onTerminal({ AUTH4AGENT_LOG_LEVEL: 'debug' })
    expect(calls(lines)).toContainEqual(expect.stringMatching(/DEBUG call .*rpc=KeysService/))
  })

  it('writes JSON with a line for each call when AUTH4AGENT_LOG_FORMAT is json', async () => {
    const lines = await onTerminal({ AUTH4AGENT_LOG_FORMAT: 'json' })
    expect(lines.filter((line) => TEXT_LINE.test(line))).toEqual([])
    expect(calls(lines).length).toBeGreaterThan(0)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 30, msg: 'stopped' })
  })
})

describe('a server without a terminal', () => {
  it('writes JSON log lines, and ends with "stopped"', async () => {
    const server = await startServer({ AUTH4AGENT_DATA_DIR: data.path })
    expect(await server.stop()).toBe(0)
    expect(JSON.parse(server.logs().split('\n').at(-1) ?? '')).toMatchObject({ level: 30, msg: 'stopped' })
  })

  it.each(['1', '2'])(
    'writes log lines as text when AUTH4AGENT_LOG_FORMAT is text, with %s workers',
    async (workers) => {
      const server = await startServer({
        AUTH4AGENT_DATA_DIR: data.path,
        AUTH4AGENT_LOG_FORMAT: 'text',
        AUTH4AGENT_WORKERS: workers,
      })
      expect(await server.stop()).toBe(0)
      const lines = server.logs().split('\n')
      expect(lines.filter((line) => line.startsWith('{'))).toEqual([])
      expect(lines.at(-1)).toMatch(/INFO {2}stopped$/)
    },
  )
})
