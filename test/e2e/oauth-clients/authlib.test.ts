import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentParty } from '../../support/parties.ts'
import { installAuthlib, PYTHON } from '../../support/python.ts'
import { type OAuthWorld, privateJwk, startOAuthWorld } from './oauth-world.ts'

const run = promisify(execFile)
const PROGRAM = join(import.meta.dirname, 'authlib_client.py')
const RESOURCE = 'https://api.acme.example.com/orders'

let world: OAuthWorld
let agent: AgentParty

beforeAll(async () => {
  await installAuthlib()
  world = await startOAuthWorld()
  agent = await world.agent()
})
afterAll(() => world?.stop())

/** Runs Authlib against a server. `audience` and `lifetime` (seconds) are those of its assertions. */
async function runAuthlib(audience: string, lifetime: number | null, server = world.issuer): Promise<unknown> {
  const order = {
    server,
    did: agent.did,
    jwk: privateJwk(agent),
    audience,
    lifetime,
    scope: 'orders:read',
    resource: RESOURCE,
  }
  const { stdout } = await run(PYTHON, [PROGRAM, JSON.stringify(order)])
  return JSON.parse(stdout)
}

const DONE = {
  token: { token_type: 'Bearer', scope: 'orders:read', expires_in: 900 },
  introspections: [{ active: true, aud: [RESOURCE] }, { active: false }],
  revoked: 200,
}

it('Authlib gets, introspects and revokes a token when its assertions name the issuer', async () => {
  expect(await runAuthlib(world.issuer, 60)).toMatchObject(DONE)
})

it('Authlib is refused while its assertions expire after an hour, which is its default', async () => {
  expect(await runAuthlib(world.issuer, null)).toMatchObject({
    error: 'invalid_client',
    description: 'In the client assertion, exp must be at most 300 seconds ahead',
  })
})

it('Authlib is refused while its assertions name the token endpoint, unless a setting allows that', async () => {
  const endpoint = `${world.issuer}/oauth/token`
  expect(await runAuthlib(endpoint, 60)).toMatchObject({
    error: 'invalid_client',
    description: `In the client assertion, aud must be exactly the issuer, ${world.issuer}`,
  })
  const { server, authn } = await world.deployment.add({ AUTH4AGENT_ASSERTION_AUDIENCE: 'issuer-or-endpoint' })
  expect(await runAuthlib(endpoint, 60, server.baseUrl)).toMatchObject(DONE)
  const metrics = await (await fetch(`${authn.baseUrl}/metrics`)).text()
  expect(/^auth4agent_assertions_for_endpoint_total (\d+)$/m.exec(metrics)?.[1]).toBe('5')
})
