import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Federation } from '../../support/federation/deployments.ts'
import { startTlsFront } from '../../support/federation/tls-front.ts'

/** An identity provider of another product: it publishes a key, and signs ID-JAGs with jose. */
export interface IdentityProvider {
  readonly issuer: string
  readonly jwksUri: string
  /** Signs an ID-JAG that lives 5 minutes. Claims that are undefined are left out. */
  idJag(claims: JWTPayload): Promise<string>
  close(): Promise<void>
}

/** Starts an identity provider under a host. */
export async function startIdentityProvider(federation: Federation, host: string): Promise<IdentityProvider> {
  const { port, ...certified } = await federation.place(host)
  const issuer = `https://${host}:${port}`
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const kid = `${host} 2026`.replace(' ', ':')
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] })
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(keys)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: inside } = server.address() as AddressInfo
  const front = await startTlsFront(port, certified, new URL(`http://127.0.0.1:${inside}`))
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    async idJag(claims) {
      const iat = Math.floor(Date.now() / 1_000)
      const payload = { iss: issuer, iat, exp: iat + 300, jti: crypto.randomUUID(), ...claims }
      return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid }).sign(privateKey)
    },
    async close() {
      await front.cut()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
