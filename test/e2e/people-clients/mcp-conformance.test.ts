import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { guard } from '../../support/guardian.ts'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

const SUITE = join(import.meta.dirname, '../../../node_modules/@modelcontextprotocol/conformance/dist/index.js')
const run = promisify(execFile)

const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  world = await startPeopleWorld(started, { AUTH4AGENT_OPEN_REGISTRATION: 'on' })
})
afterAll(() => started.disposeAsync())

/** Returns the names of all scenarios for authorization servers that the suite has. */
async function scenarios(): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [SUITE, 'list'])
  const [, listed = ''] = stdout.split('Authorization server scenarios')
  return [...listed.matchAll(/^ {2}- (\S+)/gm)].map(([, name = '']) => name).toSorted()
}

/** Runs all scenarios, opens the page that the suite asks for as Alice, and returns the checks by scenario. */
async function runSuite(clientId: string, port: number, folder: string) {
  const wanted = ['--url', world.issuer, '--client-id', clientId, '--resource', world.audience]
  const suite = spawn(process.execPath, [SUITE, 'authorization', ...wanted, '--port', String(port), '-o', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  guard(suite, 'SIGTERM')
  const ended = once(suite, 'close')
  for await (const line of createInterface({ input: suite.stdout }))
    if (line.startsWith(`${world.issuer}/oauth/authorize?`)) await world.agree(new URL(line))
  const found: Record<string, readonly string[]> = {}
  for await (const file of glob('authorization-server-*/checks.json', { cwd: folder })) {
    const checks = JSON.parse(await readFile(join(folder, file), 'utf8')) as { id: string; status: string }[]
    const [, name = ''] = /^authorization-server-(.+?)-\d{4}-/.exec(file) ?? []
    found[name] = checks.map(({ id, status }) => `${id}: ${status}`)
  }
  return { code: (await ended)[0], found }
}

const CLIENTS: [string, (redirectUri: string) => Promise<string>][] = [
  ['a client with a document', () => Promise.resolve(world.clientId)],
  [
    'a client that registers itself',
    async (redirectUri) => {
      const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${world.issuer}/oauth/register`, { method: 'POST', headers, body })
      return String(Object(await answer.json()).client_id)
    },
  ],
]

it.each(CLIENTS)("passes all of MCP's scenarios for authorization servers, for %s", async (name, clientIdOf) => {
  const port = await freePort()
  const clientId = await clientIdOf(`http://127.0.0.1:${port}/callback`)
  const { code, found } = await runSuite(clientId, port, join(world.tour.folder, name.replaceAll(' ', '-')))
  expect(Object.keys(found).toSorted()).toEqual(await scenarios())
  expect(found).toMatchObject({ 'authorization-code-grant': ['authorization-code-grant: SUCCESS'] })
  for (const checks of Object.values(found)) {
    expect(checks).not.toEqual([])
    expect(checks.filter((check) => !check.endsWith(': SUCCESS'))).toEqual([])
  }
  expect(code).toBe(0)
})
