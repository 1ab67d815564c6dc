import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createKeyFile } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProgram } from '../../support/child-process.ts'
import { typeCheck } from '../../support/documents/type-check.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { ensureGo } from '../../support/go.ts'
import { startNginx } from '../../support/nginx.ts'
import { blocks } from '../readme-tour/tour.ts'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules')
const HARNESS = join(import.meta.dirname, 'asgi_server.py')
const METADATA = '/.well-known/oauth-protected-resource/mcp'
const run = promisify(execFile)

const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  world = await startPeopleWorld(started)
})
afterAll(() => started.disposeAsync())

/** Puts the values of this world in the place of those of the page. */
const adapt = (text: string, port: number) =>
  text
    .replaceAll('https://auth.example.com', world.issuer)
    .replaceAll('acme.example', 'acme.test')
    .replaceAll('OPERATOR_ID', world.operator.id)
    .replaceAll('3000', String(port))

async function folderFor(name: string, file: string, text: string): Promise<string> {
  const folder = join(world.tour.folder, name)
  await mkdir(folder)
  await writeFile(join(folder, file), text)
  return folder
}

const WAYS: Readonly<Record<string, (port: number) => Promise<void>>> = {
  async typescript(port) {
    const program = (await blocks('docs/mcp.md', 'ts mcp')).join('\n')
    expect(await typeCheck(program)).toBe('')
    const done = "\nconsole.error('listening')\n"
    const cwd = await folderFor('typescript', 'server.mts', adapt(program, port) + done)
    await symlink(NODE_MODULES, join(cwd, 'node_modules'))
    await addWatchKey(join(cwd, 'watch.key'))
    await start({ name: 'the MCP server', command: process.execPath, args: ['server.mts'], cwd })
  },
  async python(port) {
    const text = (await blocks('docs/mcp-servers.md', 'python mcp')).join('\n')
    const cwd = await folderFor('python', 'protected.py', adapt(text, port))
    await start({ name: 'the ASGI server', command: 'python3', args: ['-u', HARNESS, String(port)], cwd })
  },
  async go(port) {
    const text = (await blocks('docs/mcp-servers.md', 'go mcp')).join('\n')
    const listening = adapt(text, port).replace('log.Fatal(', 'log.Println("listening"); log.Fatal(')
    const cwd = await folderFor('go', 'server.go', listening)
    const env = { ...process.env, GOCACHE: join(world.tour.folder, 'go-cache'), GOFLAGS: '-mod=mod' }
    await run(await ensureGo(), ['build', '-o', 'server', 'server.go'], { cwd, env })
    await start({ name: 'the server in Go', command: join(cwd, 'server'), args: [], cwd })
  },
  async nginx(port) {
    const upstream = createServer((request, response) => {
      response.end(String(request.headers['x-auth4agent-subject']))
    })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    started.defer(() => {
      upstream.close().closeAllConnections()
    })
    const { port: behind } = upstream.address() as AddressInfo
    const text = (await blocks('docs/mcp-servers.md', 'nginx mcp')).join('\n')
    const local = adapt(text, port).replaceAll('3001', String(behind)).replaceAll('//localhost:', '//127.0.0.1:')
    started.defer(
      await startNginx(local.replace(`["${world.issuer.replace('localhost', '127.0.0.1')}"]`, `["${world.issuer}"]`)),
    )
  },
}

/** A server without streams answers 405 (MCP, Streamable HTTP). The others here only stand for an MCP server. */
const STATUS_OF_GET: Readonly<Record<string, number>> = { typescript: 405, python: 200, go: 200, nginx: 200 }

interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
}

async function start({ name, command, args, cwd }: Program): Promise<void> {
  const inFolder = ['-c', 'cd "$0" && exec "$@"', cwd, command, ...args]
  const running = await startProgram({ name, command: 'bash', args: inFolder, isReady: /listening/ })
  started.defer(() => running.end('SIGTERM'))
}

async function addWatchKey(path: string): Promise<void> {
  const { publicKey } = await createKeyFile(path)
  const current = await world.operator.keys.get()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') } as const
  const now = Math.floor(Date.now() / 1000)
  const added = { jwk, label: 'mcp', roles: ['watch'], nbf: now, exp: now + 3_600 } as const
  await world.operator.keys.set({ ...current, keys: [...current.keys, added] })
}

/** Gets a token with a scope for Alice, and a function that ends it. */
async function tokenOf(scope: string) {
  const { issuer, audience: resource, clientId: client_id, redirectUri: redirect_uri } = world
  const code_verifier = randomUUID() + randomUUID()
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const url = new URL(`${issuer}/oauth/authorize`)
  const asked = { client_id, redirect_uri, resource, scope, response_type: 'code', code_challenge }
  url.search = new URLSearchParams({ ...asked, code_challenge_method: 'S256' }).toString()
  const code = (await world.allow(url)).searchParams.get('code') ?? ''
  const form = { grant_type: 'authorization_code', code, client_id, redirect_uri, code_verifier, resource }
  const { access_token: token } = (await post('/oauth/token', form)) as { access_token: string }
  return { token, end: () => post('/oauth/revoke', { token, client_id }) }
}

async function post(path: string, form: Record<string, string>): Promise<unknown> {
  const response = await fetch(world.issuer + path, { method: 'POST', body: new URLSearchParams(form) })
  expect(response.status).toBe(200)
  return response.headers.get('content-length') === '0' ? undefined : response.json()
}

describe.each(Object.entries(WAYS))('the MCP server of the page in %s', (name, serve) => {
  it('lets a program act for a person until the person ends it, and says where tokens are', async () => {
    const port = await freePort()
    await serve(port)
    const at = `http://127.0.0.1:${port}`
    // A program may say that it listens a moment before it does.
    await eventually(() => fetch(at))
    const call = async (token?: string) => {
      const headers = {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search' } })
      const response = await fetch(`${at}/mcp`, { method: 'POST', headers, body })
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        text: await response.text(),
      }
    }
    const metadata = await fetch(at + METADATA)
    expect(metadata.headers.get('content-type')).toContain('application/json')
    const named = { resource: world.audience, authorization_servers: [world.issuer] }
    expect(await metadata.json()).toMatchObject(named)
    const challenge = expect.stringContaining(`resource_metadata="https://mcp.acme.test${METADATA}"`)
    expect(await call()).toMatchObject({ status: 401, challenge })
    expect(await call('nonsense')).toMatchObject({ status: 401, challenge })
    const other = await tokenOf('order')
    const narrow = { status: 403, challenge: expect.stringContaining('error="insufficient_scope"') }
    expect(await call(other.token)).toMatchObject(narrow)
    const { token, end } = await tokenOf('search')
    expect(await call(token)).toMatchObject({ status: 200, text: expect.stringMatching(/user:[\w-]{22}/) })
    const stream = await fetch(`${at}/mcp`, { headers: { authorization: `Bearer ${token}` } })
    expect(stream.status).toBe(STATUS_OF_GET[name])
    await end()
    const expectEnded = async () => expect(await call(token)).toMatchObject({ status: 401, challenge })
    // The verifier learns it within milliseconds. The others ask.
    await (name === 'typescript' ? eventually(expectEnded) : expectEnded())
  })
})
