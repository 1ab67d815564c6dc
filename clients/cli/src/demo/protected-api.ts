import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createVerifier, VerificationError, type Verifier, type VerifierOptions } from '@auth4agent/verifier'

/** An API that needs a token for each call. It verifies tokens itself and receives revocations from the server. */
export interface ProtectedApi {
  /** The address of the API, on loopback. */
  readonly url: string
  close(): Promise<void>
}

/** The scope that each call needs. */
const SCOPES: Readonly<Record<string, string>> = {
  'GET /orders': 'orders:read',
  'POST /orders': 'orders:write',
}

/** Starts the API on loopback. The promise resolves when the verifier has all revocations and the API listens. */
export async function startProtectedApi(options: VerifierOptions): Promise<ProtectedApi> {
  const verifier = createVerifier(options)
  return listen(verifier, () => (request, response) => void serve(verifier, request, response))
}

/**
 * Serves an API on loopback. `handlerAt` gets the address of the API. The promise resolves when the verifier is ready
 * and the API listens. Closes the verifier with the API, or if one of them fails.
 */
export async function listen(verifier: Verifier, handlerAt: (url: string) => RequestListener): Promise<ProtectedApi> {
  const server = createServer()
  try {
    await verifier.ready()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    verifier.close()
    throw error
  }
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  server.on('request', handlerAt(url))
  return {
    url,
    async close() {
      verifier.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function serve(
  verifier: Verifier,
  { method = '', url = '', headers }: IncomingMessage,
  response: ServerResponse,
) {
  const scope = SCOPES[`${method} ${url}`]
  if (scope === undefined) return answer(response, 404, { error: 'not found' })
  const token = /^Bearer ([\w.-]+)$/.exec(headers.authorization ?? '')?.[1]
  if (token === undefined) return answer(response, 401, { error: 'a token is needed' }, 'Bearer')
  try {
    const { sub } = await verifier.verify(token, { scope })
    return answer(response, 200, { caller: sub, orders: ['4711', '4712'] })
  } catch (error) {
    if (!(error instanceof VerificationError)) return answer(response, 500, { error: 'internal' })
    const { reason, isTemporary } = error
    if (isTemporary) return answer(response, 503, { error: reason })
    if (reason === 'SCOPE_MISSING') {
      return answer(response, 403, { error: reason }, `Bearer error="insufficient_scope", scope="${scope}"`)
    }
    return answer(response, 401, { error: reason }, 'Bearer error="invalid_token"')
  }
}

function answer(response: ServerResponse, status: number, body: object, challenge?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
  })
  response.end(JSON.stringify(body))
}
