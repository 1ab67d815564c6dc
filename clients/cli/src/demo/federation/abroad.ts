import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { FederatedOperator, FederationCast } from './cast.ts'
import { SCOPE } from './scene.ts'

/** A request that an agent has sent. */
interface Sent {
  readonly method: string
  /** The letter of a deployment, or `API`. */
  readonly to: string
  readonly path: string
}

/** An API of an operator, as an agent of another deployment reaches it. */
export interface ApiAbroad {
  /** An address of the API. */
  readonly url: string
  /** Leads names that only exist in the example to this machine, and notes each request. */
  readonly fetch: typeof globalThis.fetch
  readonly sent: readonly Sent[]
  close(): Promise<void>
}

const METADATA = '/.well-known/oauth-protected-resource/v1'

/** Starts the API of an operator on loopback. It names its deployment, and asks it about each token. */
export async function startApiAbroad({ a, b, c }: FederationCast, owner: FederatedOperator): Promise<ApiAbroad> {
  const { audience, home } = owner
  const { origin } = new URL(audience)
  const url = `${audience}/orders`
  const server = createServer((request, response) => {
    if (request.url === METADATA)
      return answer(response, 200, { resource: audience, authorization_servers: [home.issuer] })
    const [, token = ''] = /^DPoP (\S+)$/.exec(request.headers.authorization ?? '') ?? []
    if (token === '') return answer(response, 401, {})
    const proof = { dpopProof: String(request.headers['dpop'] ?? ''), httpMethod: request.method, httpUrl: url }
    home.calls.verifyToken(token, { audience: [audience], scope: SCOPE.there, ...proof }).then(
      ({ valid, reason }) => (valid ? answer(response, 200, { orders: ['4711'] }) : answer(response, 401, { reason })),
      () => answer(response, 503, {}),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const local = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const places = new Map<string, { readonly to: string; readonly real: string }>([[origin, { to: 'API', real: local }]])
  for (const { letter: to, issuer, server: real } of [a, b, c])
    for (const name of [issuer, real]) places.set(name, { to, real })
  const sent: Sent[] = []
  return {
    url,
    sent,
    async fetch(input, init) {
      const request = new Request(input, init)
      const { origin: asked, pathname, search } = new URL(request.url)
      const place = places.get(asked) ?? { to: asked, real: asked }
      sent.push({ method: request.method, to: place.to, path: pathname })
      return fetch(new Request(`${place.real}${pathname}${search}`, request))
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  const challenge = status === 401 ? { 'www-authenticate': 'DPoP error="invalid_token"' } : {}
  response.writeHead(status, { 'content-type': 'application/json', ...challenge }).end(JSON.stringify(body))
}
