import { expect, it } from 'vitest'
import { mcpChecks } from './check-mcp.ts'
import { createProbe } from './probe.ts'
import { runChecks } from './run-checks.ts'

const ISSUER = 'https://auth.example.com'
const MCP = 'https://mcp.acme.example/mcp'
const METADATA = 'https://mcp.acme.example/.well-known/oauth-protected-resource/mcp'
const RESOURCE = { resource: MCP, authorization_servers: [ISSUER] }

/** Checks an MCP server whose metadata, and whose answer without a token, are given. */
async function check(challenge: string, pages: Readonly<Record<string, object>>) {
  const asked: string[] = []
  const fetch = async (input: string | URL | Request) => {
    const url = input instanceof Request ? input.url : String(input)
    asked.push(url)
    if (url === MCP) return new Response('', { status: 401, headers: { 'www-authenticate': challenge } })
    return url in pages ? Response.json(pages[url]) : new Response('', { status: 404 })
  }
  const settings = { fetch, now: () => 0, timeoutMs: 1_000 }
  const probe = createProbe({ ...settings, server: ISSUER })
  const checks = mcpChecks({ ...settings, url: MCP, probe, operator: undefined, open: undefined })
  const findings = await runChecks(checks, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) })
  return { asked, levels: findings.map(({ level }) => level), messages: findings.map(({ message }) => message) }
}

it('mcpChecks follow the challenge to the metadata, and say that no operator is configured', async () => {
  const { levels, messages } = await check(`Bearer resource_metadata="${METADATA}"`, { [METADATA]: RESOURCE })
  expect(levels).toEqual(['ok', 'ok', 'problem', 'warning'])
  expect(messages[3]).toContain('no operator is configured here')
})

it('mcpChecks look at the usual place if the challenge names none', async () => {
  const { levels, asked } = await check('Bearer', { [METADATA]: RESOURCE })
  expect(levels.slice(0, 2)).toEqual(['problem', 'ok'])
  expect(asked).toContain(METADATA)
})

it('mcpChecks ask no other origin for the metadata', async () => {
  const { levels, asked } = await check('Bearer resource_metadata="https://evil.example/x"', {})
  expect(levels.slice(0, 2)).toEqual(['ok', 'problem'])
  expect(asked.some((url) => url.includes('evil'))).toBe(false)
})
