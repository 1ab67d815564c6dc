import { sign as cryptoSign, randomUUID } from 'node:crypto'
import { parseClientAssertion } from '../../services/authn/domain/parse-client-assertion.ts'
import type { AgentParty } from '../support/parties.ts'
import { BENCH_ISSUER } from './contenders/auth4agent.ts'
import { postAll } from './load/post-all.ts'
import { splitRequest } from './load/split-proof.ts'
import { cycle } from './supply.ts'

/**
 * Creates the bodies of OAuth requests before a measurement. This server and its peers have the same clients with the
 * same keys, and get the same requests. Only the audience of the assertions differs.
 */

/** An OAuth server as its clients see it. */
export interface OAuthServer {
  /** The audience of client assertions. */
  readonly issuer: string
  readonly tokenUrl: string
}

/** The resource that tokens are for. */
export const RESOURCE = 'https://api.example.com'
/** The client of the peer that introspects without a signature. */
export const INTROSPECTOR = { id: 'introspector', secret: 'a secret as long as it has to be for oidc-provider' }

const FORM_TYPE = 'application/x-www-form-urlencoded'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** The longest time for which the servers accept an assertion. */
const ASSERTION_SECONDS = 300

/** Returns requests for tokens: client_credentials by private_key_jwt, each with its own assertion. */
export function oauthTokenBodies(
  server: OAuthServer,
  clients: readonly AgentParty[],
  count: number,
  resource?: string,
): string[] {
  return cycle(clients, count).map((client) =>
    form({
      grant_type: 'client_credentials',
      scope: 'read',
      ...(resource !== undefined && { resource }),
      ...authentication(server, client),
    }),
  )
}

/**
 * Returns introspections of fresh tokens, `tokenCount` of them again and again. The caller is the first client. It
 * authenticates by private_key_jwt, each time with its own assertion. The tokens are those of clients under the
 * caller's domain, because this server shows no others to it.
 */
export async function introspectionBodies(
  server: OAuthServer,
  clients: readonly AgentParty[],
  count: number,
  tokenCount: number,
): Promise<string[]> {
  const [caller] = clients
  if (caller === undefined) throw new RangeError('Introspection needs a client')
  const tokens = await introspectableTokens(server, clients, tokenCount)
  return cycle(tokens, count).map((token) => form({ token, ...authentication(server, caller) }))
}

/** Returns introspections of fresh tokens of the peer, by a client that sends its secret. */
export async function introspectionBodiesBySecret(
  server: OAuthServer,
  clients: readonly AgentParty[],
  tokenCount: number,
): Promise<string[]> {
  const tokens = await introspectableTokens(server, clients, tokenCount)
  return tokens.map((token) => form({ token, client_id: INTROSPECTOR.id, client_secret: INTROSPECTOR.secret }))
}

/** Issues tokens without a resource: the peer makes them opaque, and introspects no others. */
async function introspectableTokens(
  server: OAuthServer,
  clients: readonly AgentParty[],
  count: number,
): Promise<string[]> {
  const domain = domainOf(clients[0])
  const owners = clients.filter((client) => domainOf(client) === domain)
  const bodies = oauthTokenBodies(server, owners, count)
  const answers = await postAll({ url: server.tokenUrl, contentType: FORM_TYPE, bodies })
  return answers.map(({ body }) => JSON.parse(body).access_token)
}

function domainOf(client: AgentParty | undefined): string | undefined {
  return client?.did.split(':')[2]
}

/** Returns the claims of the assertion in a body. */
export function assertionClaimsOf(body: string): { readonly sub: string; readonly jti: string } {
  const [, payload = ''] = assertionOf(body).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}

/** Returns the database id of the assertion that a body sent to this server redeems. */
export function assertionIdOf(body: string): string {
  const rules = { issuer: BENCH_ISSUER, tokenEndpoint: undefined, nowS: nowS(), skewS: ASSERTION_SECONDS }
  return parseClientAssertion(assertionOf(body), '', rules).proof.id
}

function assertionOf(body: string): string {
  return new URLSearchParams(splitRequest(body).body).get('client_assertion') ?? ''
}

/** Returns the parameters by which a client authenticates, with an assertion of its own. */
export function authentication({ issuer }: OAuthServer, { did, privateKey }: AgentParty) {
  const iat = nowS()
  const claims = { iss: did, sub: did, aud: issuer, iat, exp: iat + ASSERTION_SECONDS, jti: randomUUID() }
  // OAuth libraries send no other member of the header, if the caller gives them only a key.
  const input = `${encode({ alg: 'EdDSA' })}.${encode(claims)}`
  const signature = cryptoSign(null, Buffer.from(input), privateKey).toString('base64url')
  return { client_assertion_type: ASSERTION_TYPE, client_assertion: `${input}.${signature}` }
}

/** Writes parameters as the body of a form. */
export function form(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString()
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function nowS(): number {
  return Math.floor(Date.now() / 1000)
}
