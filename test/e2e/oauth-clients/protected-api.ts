import { createServer } from 'node:http'
import { createVerifier } from '@auth4agent/verifier'
import { claimsOf, protect, serveMetadata } from '@auth4agent/verifier/express'
import express from 'express'
import { freePort } from '../../support/free-port.ts'

/** A running API. */
export interface ProtectedApi {
  /** The address of the API, which is also the audience of its tokens. */
  readonly url: string
  stop(): void
}

/** Starts an API on Express that accepts only bound tokens. It answers with the DID of the caller. */
export async function startProtectedApi(issuer: string, operator: string): Promise<ProtectedApi> {
  const port = await freePort()
  const url = `http://localhost:${port}/orders`
  const options = { issuer, audience: url, resource: url, operators: [operator], dpop: 'required' } as const
  const verifier = createVerifier({ ...options, revocations: 'none' })
  await verifier.ready()
  const app = express()
  app.use(serveMetadata(verifier))
  app.get('/orders', protect(verifier, { scope: 'orders:read' }), (_request, response) => {
    response.json({ agent: claimsOf(response).sub })
  })
  const server = createServer(app)
  server.listen(port)
  return {
    url,
    stop() {
      verifier.close()
      server.close().closeAllConnections()
    },
  }
}
