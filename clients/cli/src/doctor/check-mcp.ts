import type { Operator } from '@auth4agent/sdk'
import type { OwnOperatorKey } from '../own-keys.ts'
import { type Finding, problem, warning } from './finding.ts'
import { judgeAuthorizationServer, judgeChallenge, judgeResource, judgeUsers, metadataIn } from './judge-mcp.ts'
import { createProbe, objectOf, type Probe } from './probe.ts'
import type { Check } from './run-checks.ts'

/** The MCP server that is checked, and how to ask it and the server. */
interface McpCheck {
  /** The address of the MCP endpoint, as programs know it. */
  readonly url: string
  readonly probe: Probe
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly timeoutMs: number
  /** The operator of the MCP server, if this folder has it. */
  readonly operator: { readonly domain: string; readonly keys: readonly OwnOperatorKey[] } | undefined
  readonly open: ((key: OwnOperatorKey) => Promise<Operator | undefined>) | undefined
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Returns the checks of an MCP server, as programs with a browser need it. */
export function mcpChecks(check: McpCheck): readonly Check[] {
  const name = 'mcp'
  return [
    { name, run: (signal) => checkResource(check, signal) },
    {
      name,
      run: async () => {
        const answer = await check.probe.get('/.well-known/oauth-authorization-server')
        return answer.kind === 'none' ? [] : [judgeAuthorizationServer(objectOf(answer))]
      },
    },
    { name, run: () => checkUsers(check) },
  ]
}

async function checkResource(check: McpCheck, signal: AbortSignal): Promise<readonly Finding[]> {
  const { url, probe, fetch } = check
  const { origin, pathname, search } = new URL(url)
  const asked = await askWithoutToken(url, fetch, signal).catch((error: unknown) => String(error))
  if (typeof asked === 'string') {
    return [problem('mcp', `${url} cannot be reached: ${asked}`, 'Start the MCP server, or check its address.')]
  }
  const usual = `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
  const at = metadataIn(asked.challenge) ?? usual
  const challenged = judgeChallenge(url, asked)
  if (!URL.canParse(at) || new URL(at).origin !== origin) {
    return [challenged, problem('mcp', `The metadata are at ${at}, on another origin`, `Serve them at ${usual}.`)]
  }
  const site = createProbe({ ...check, server: origin, issuer: undefined })
  const metadata = objectOf(await site.get(at.slice(origin.length)))
  return [challenged, judgeResource(url, probe.issuer, at, metadata)]
}

/** Sends the first request of an MCP client, without a token. */
async function askWithoutToken(url: string, fetch: typeof globalThis.fetch, signal: AbortSignal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    redirect: 'manual',
    signal,
  })
  await response.body?.cancel()
  return { status: response.status, challenge: response.headers.get('www-authenticate') }
}

async function checkUsers({ url, operator, open }: McpCheck): Promise<readonly Finding[]> {
  if (operator === undefined || open === undefined) {
    const cure = 'Run doctor with the context of the operator that owns the MCP server.'
    return [warning('mcp', 'Whether users may come is not checked, because no operator is configured here', cure)]
  }
  for (const key of operator.keys) {
    const opened = await open(key)
    const policy = await opened?.policy.get().catch(() => undefined)
    const providers = await opened?.providers.list().catch(() => undefined)
    if (policy === undefined || providers === undefined) continue
    return judgeUsers(url, policy, { domain: operator.domain, providers: providers.length })
  }
  return []
}
