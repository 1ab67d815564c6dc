import { describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
const AT = '2026-01-15T10:30:00Z'
const OLD = '0f7e9f3c-62d1-4a55-9b60-5f3d2c1b0a99'
const process = { id: OLD, host: 'old-1 7', version: '0.1.0', schema: '2026_a', services: ['authn', 'identity'] }
const times = { started_at: AT, seen_at: AT }
const list = {
  processes: [
    { ...process, ...times, counts: true },
    { ...process, ...times, id: `${OLD.slice(0, -1)}8`, host: 'gone-1 9', counts: false },
  ],
  contract_steps: [{ name: '2026_contract_x', sql: 'DROP TABLE x;\n', waits_for: [OLD] }],
  unlisted_sessions: 0,
}

/** Runs a command against a server with these processes. */
async function admin(words: readonly string[], shown: object = list, applied: readonly string[] = []) {
  const sent: unknown[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const { pathname } = new URL(request.url)
    if (request.method === 'GET') return Response.json(shown)
    sent.push({ path: pathname, body: await request.json() })
    return Response.json({ applied })
  }
  const where = ['--server', 'http://localhost:1234', '--key', '-']
  const ran = await runCli(['admin', ...words, ...where], { fetch, readStdin: async () => pem })
  return { ...ran, sent }
}

describe('admin processes', () => {
  it('shows host, version, schema and services, and which processes are gone', async () => {
    const { code, stdout } = await admin(['processes'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/old-1 7 +0\.1\.0 +2026_a +authn identity +2026-01-15T10:30:00Z\n/)
    expect(stdout).toMatch(/gone-1 9 .*2026-01-15T10:30:00Z \(gone\)/)
    expect(stdout).not.toContain('not listed')
  })

  it('says that there are processes that it cannot list', async () => {
    const { stdout } = await admin(['processes'], { ...list, unlisted_sessions: 3 })
    expect(stdout).toContain('3 database sessions are of processes that are not listed')
  })
})

describe('admin schema contract', () => {
  it('shows with --dry-run what would run and what holds it up, and changes nothing', async () => {
    const { code, stdout, sent } = await admin(['schema', 'contract', '--dry-run'])
    expect({ code, sent }).toEqual({ code: 0, sent: [] })
    expect(stdout).toContain('2026_contract_x\nDROP TABLE x;\nwaits for old-1 7, version 0.1.0')
  })

  it('sends the reason, and shows what was run', async () => {
    const { stdout, sent } = await admin(['schema', 'contract', '--reason', 'done'], list, ['2026_contract_x'])
    expect(sent).toEqual([{ path: '/v1/deployment/contract-schema', body: { reason: 'done' } }])
    expect(stdout).toContain('contract steps run\n\n2026_contract_x')
  })

  it.each([[[]], [['--dry-run']]])('says that no step waits (%s)', async (flags) => {
    const { stdout } = await admin(['schema', 'contract', ...flags], { ...list, contract_steps: [] })
    expect(stdout).toContain('no contract step waits')
  })
})
