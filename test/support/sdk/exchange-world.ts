import type { AgentOptions, GrantCapabilities } from '@auth4agent/sdk'
import { createAgent } from '../../../clients/sdk/src/create-agent.ts'
import { CHAIN_ISSUER, READ } from '../grant-chains.ts'
import { fakeClock } from './clock.ts'
import { API_PATH, grantServer, METADATA_PATH } from './grant-server.ts'
import type { Json } from './issuer.ts'

/** The API for which the grant of {@link exchangeWorld} is. */
export const API = 'https://api.acme.test'
/** The path of the token endpoint. */
export const TOKEN_PATH = '/oauth/token'

/** Creates a server with the agents A and B, where B has a chain from A. */
export async function exchangeWorld(capabilities: GrantCapabilities = { [READ]: {} }) {
  const clock = fakeClock()
  const server = grantServer(clock)
  const [a, b] = [server.agent('A'), server.agent('B')]
  const open = (who: typeof a, more: Partial<AgentOptions> = {}) =>
    createAgent({ server: CHAIN_ISSUER, fetch: server.fetch, did: who.did, key: who.key, ...more }, clock)
  const give = (expires = '20m') => open(a).delegate({ to: b.did, capabilities, expires })
  const chain = await give()
  const sent = (path: string) => server.seen.filter((each) => each.path === path)
  return {
    clock,
    server,
    a,
    b,
    give,
    chain,
    openB: (more: Partial<AgentOptions> = {}) => open(b, { grant: chain, ...more }),
    sent,
    /** Sets the next metadata of the API. */
    metadata: (document: Json) => server.next(METADATA_PATH, () => document),
    /** The Authorization headers that the API got. */
    tokens: () => sent(API_PATH).map(({ headers }) => headers.get('authorization') ?? ''),
  }
}

/** Reads the claims of a token. */
export function claimsOf(token: string): Json {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** Makes an answer with which the server refuses a request for a token. */
export function refusal(reason: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: 'invalid_request', error_description: reason, reason }, { status: 400, headers })
}
