import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningServer, startServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

let server: RunningServer
let port: number
let folder: string

/** The README's blocks of one kind, in order. */
async function blocks(kind: 'sh' | 'sh grpc' | 'sh keys'): Promise<string[]> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(/^```(sh(?: \w+)?)\n([\s\S]*?)^```$/gm)].flatMap(([, name, text]) =>
    name === kind && text !== undefined ? [text] : [],
  )
}

/** Runs blocks in one shell, on the test's server instead of the one at the README's ports; stops at the first failure. */
async function paste(text: string): Promise<string> {
  const script = text
    .replaceAll('localhost:8080', `localhost:${port}`)
    .replaceAll('localhost:8081', server.grpcAddress)
    .replaceAll('npx --yes @bufbuild/buf', join(ROOT, 'node_modules/.bin/buf'))
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })
  return stdout
}

/** The functions and variables of steps 1, 4 and 8, which the sections after the tour build on. */
async function functions(): Promise<string[]> {
  const steps = await blocks('sh')
  return [0, 3, 7].map((index) => steps[index]?.replace(/^curl[\s\S]*/m, '') ?? '')
}

async function publishedKids(): Promise<string[]> {
  const response = await fetch(`${server.baseUrl}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-tour-'))
  port = await freePort()
  // As root, PostgreSQL runs as another user, who must be able to enter.
  await chmod(folder, 0o711)
  server = await startServer({
    PORT: String(port),
    AUTH4AGENT_BASE_URL: `http://localhost:${port}`,
    AUTH4AGENT_DATA_DIR: join(folder, 'data'),
    // Signing keys are ready to be rotated to within seconds, and not minutes.
    AUTH4AGENT_JWKS_MAX_AGE: '1s',
    AUTH4AGENT_CLOCK_SKEW: '0s',
    AUTH4AGENT_SCHEDULE_INTERVAL: '1s',
  })
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

describe("the README's tour", () => {
  it('goes from nothing to a verified token and back to a refused one', async () => {
    const output = await paste((await blocks('sh')).join('\n'))
    const lines = output.trim().split('\n')
    const answers = lines.filter((line) => /^[[{]/.test(line)).map((line) => JSON.parse(line) as unknown)
    expect(answers).toMatchObject([
      { txt_record_name: expect.stringMatching(/^_auth4agents\.acme-\w{6}\.test$/) },
      { verified: true },
      { status: 'pending' },
      { updated: true, allowed_scopes: ['orders:read', 'orders:write'] },
      { valid: true, claims: { scope: 'orders:read' } },
      { jti: expect.any(String), revoked_at: expect.any(String) },
      { valid: false, revoked: true, reason: 'TOKEN_REVOKED' },
      { suspended_at: expect.any(String) },
      [{ action: 'agent.suspend' }, { action: 'token.revoke' }, { action: 'token.issue' }, {}, {}, {}, {}],
      { status: 'suspended' },
    ])
  })

  it('goes the whole way again by gRPC tools', async () => {
    const output = await paste([...(await functions()), ...(await blocks('sh grpc'))].join('\n'))
    expect(output).toMatch(
      /"verified":\s*true[\s\S]*"updated":\s*true[\s\S]*"valid":\s*true[\s\S]*"epoch":\s*2[\s\S]*"reason":\s*"OPERATOR_TOKENS_ENDED"/,
    )
  })

  it('rotates, gives up and imports signing keys', async () => {
    const [look, rotate, ...others] = await blocks('sh keys')
    const rotated = await until(
      async () => paste([...(await functions()), look, rotate].join('\n')),
      (output) => !output.includes('"KEY_NOT_READY"'),
      30_000,
    )
    expect(rotated.match(/"state":"active"/g)?.length).toBe(8)
    const before = await until(publishedKids, (kids) => kids.length === 16)
    const register = (await blocks('sh'))[1]
    const output = await paste([...(await functions()), register, look, ...others].join('\n'))
    expect(output).not.toMatch(/"status":4/)
    expect(output.match(/"compromised_at":"/g)?.length).toBeGreaterThanOrEqual(before.length)
    expect(output).toMatch(/"alg":"ES256","state":"prepared"[\s\S]*"token_signing_alg":"ES256"/)
    const after = await publishedKids()
    expect(before.filter((kid) => after.includes(kid))).toEqual([])
  })
})
