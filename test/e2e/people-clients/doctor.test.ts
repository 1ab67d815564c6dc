import { afterAll, beforeAll, expect, it } from 'vitest'
import { endCli } from '../../support/cli-process.ts'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  world = await startPeopleWorld(started)
})
afterAll(() => started.disposeAsync())

interface Found {
  readonly check: string
  readonly level: string
  readonly message: string
}

/** Returns what doctor finds about an MCP server. */
async function findings(url: string): Promise<readonly string[]> {
  const { stdout } = await endCli(['doctor', '--json', '--config', world.folder, '--mcp', url])
  const found = (JSON.parse(stdout) as { findings: readonly Found[] }).findings
  return found.flatMap(({ check, level, message }) => (check === 'mcp' ? [`${level}: ${message}`] : []))
}

it('doctor --mcp finds what a program needs, and that nothing answers at the address', async () => {
  expect(await findings(world.audience)).toEqual([
    expect.stringMatching(/^problem: https:\/\/mcp\.acme\.test\/mcp cannot be reached/),
    'ok: the authorization server offers what browser clients look for',
    `ok: users of acme.test may come to ${world.audience}`,
  ])
})

it('doctor --mcp finds that no user may come to an address with a slash more', async () => {
  const [, , users] = await findings(`${world.audience}/`)
  expect(users).toBe(`problem: No user may come to ${world.audience}/. There is a rule for ${world.audience}.`)
})

it('doctor refuses an address of an MCP server that is neither https nor on this machine', async () => {
  const { code, stderr } = await endCli(['doctor', '--mcp', 'http://mcp.example.com/mcp'])
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('--mcp must be') })
})
