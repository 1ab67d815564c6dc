import { sign } from 'node:crypto'
import { admit } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment } from '../../support/federation/deployments.ts'
import { type Member, member } from '../../support/federation/statements.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus } from '../../support/story.ts'

const API = 'https://api.cargo.example.com'
export const AUDIENCE = `${API}/v1`
export const ORDERS = `${AUDIENCE}/orders`

/** A request, with what it carried. */
interface Sent {
  readonly url: string
  readonly authorization: string | null
  readonly body: string
}

/** A has acme with an agent, and B has cargo with an API. B has admitted A. No statement is signed yet. */
export interface ChainedWorld {
  readonly alpha: FederatedDeployment
  readonly beta: FederatedDeployment
  readonly acme: Member
  readonly cargo: Member
  readonly party: AgentParty
  /** Leads requests to the servers under test, and to the API of cargo. */
  readonly route: typeof fetch
  /** Every request, until a test forgets them. */
  sent: Sent[]
  stop(): Promise<void>
}

/** Starts both deployments. */
export async function startChainedWorld(): Promise<ChainedWorld> {
  const federation = await createFederation()
  const alpha = await federation.start('auth.alpha.example.net')
  const beta = await federation.start('auth.beta.example.net')
  const acme = await member(alpha, 'acme.example.com')
  const cargo = await member(beta, 'cargo.example.com')
  const party = await activeAgent(alpha.client, acme, ['read'])
  await admit(beta, await member(alpha, 'auth.beta.example.net'))
  const world: ChainedWorld = {
    alpha,
    beta,
    acme,
    cargo,
    party,
    sent: [],
    route: async (input, init) => {
      const request = new Request(input, init)
      const { url, headers, method } = request
      const body = await request.clone().text()
      world.sent.push({ url, authorization: headers.get('authorization'), body })
      const { origin, pathname, search } = new URL(url)
      if (origin === API) return answerAsCargo(beta, request)
      const server = [alpha, beta].find(({ issuer }) => issuer === origin)?.server
      if (server === undefined) throw new TypeError(`Nothing answers at ${origin}`)
      return fetch(server.baseUrl + pathname + search, { method, headers, ...(method !== 'GET' && { body }) })
    },
    stop: () => federation.stop(),
  }
  return world
}

/** The API of cargo, which asks B about each token. */
async function answerAsCargo(beta: FederatedDeployment, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const metadata = `${API}/.well-known/oauth-protected-resource/v1`
  if (request.url === metadata) return Response.json({ resource: AUDIENCE, authorization_servers: [beta.issuer] })
  if (!pathname.startsWith('/v1/')) return new Response(null, { status: 404 })
  const [scheme, token = ''] = (request.headers.get('authorization') ?? '').split(' ')
  const wanted = { audience: [AUDIENCE], scope: 'orders:read' }
  const proof = { dpop_proof: request.headers.get('dpop') ?? '', http_method: request.method, http_url: request.url }
  const answer = scheme === 'DPoP' && (await beta.client.post('/v1/verify', { token, ...wanted, ...proof }))
  if (answer && expectStatus(200, answer)['valid'] === true) return Response.json({ orders: 1 })
  const challenge = `DPoP error="invalid_token", resource_metadata="${metadata}"`
  return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
}

/** The identity key of an agent. */
export function signerOf({ rawPublicKey: publicKey, privateKey }: AgentParty) {
  return { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
}
