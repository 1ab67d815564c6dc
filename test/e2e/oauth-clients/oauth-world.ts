import type { JsonWebKey } from 'node:crypto'
import * as client from 'openid-client'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { Environment } from '../../support/server.ts'
import { activeAgent, type OperatorParty, provenOperator } from '../../support/story.ts'
import { startTcpProxy, targetOf } from '../../support/tcp-proxy.ts'

/** A server whose issuer is its real address, as clients of others need it, with an operator and its agents. */
export interface OAuthWorld {
  readonly deployment: Deployment
  readonly issuer: string
  readonly operator: OperatorParty
  /** Registers another active agent of the operator. */
  agent(scopes?: readonly string[]): Promise<AgentParty>
  /** Registers another operator whose domain is proven. */
  otherOperator(domain: string): Promise<OperatorParty>
  stop(): Promise<void>
}

/**
 * Starts the server behind a proxy, and proves the domain of an operator. The issuer is the address of the proxy,
 * because a deployment knows its own addresses only after its start.
 */
export async function startOAuthWorld(env: Environment = {}): Promise<OAuthWorld> {
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  const issuer = `http://localhost:${proxy.port}`
  const deployment = await startDeployment({ env: { AUTH4AGENT_BASE_URL: issuer, ...env } })
  proxy.repoint(targetOf(deployment.server.baseUrl))
  const { client: rest, dns } = deployment
  const otherOperator = (domain: string) => provenOperator(rest, dns, domain, issuer)
  const operator = await otherOperator('acme.example.com')
  return {
    deployment,
    issuer,
    operator,
    agent: (scopes = ['orders:read', 'orders:write']) => activeAgent(rest, operator, scopes),
    otherOperator,
    async stop() {
      await proxy.close()
      await deployment.stop()
    },
  }
}

/** Returns the private key of an agent as a JWK. */
export function privateJwk({ privateKey }: AgentParty): JsonWebKey {
  return privateKey.export({ format: 'jwk' })
}

/** Returns the private key of an agent for the Web Crypto API. */
function privateKeyOf(party: AgentParty): Promise<client.CryptoKey> {
  return crypto.subtle.importKey('jwk', privateJwk(party), 'Ed25519', false, ['sign'])
}

/** Configures openid-client for an agent, from the metadata of the server. */
export async function openidClient(
  { issuer }: OAuthWorld,
  party: AgentParty,
  algorithm: 'oauth2' | 'oidc' = 'oauth2',
): Promise<client.Configuration> {
  const authentication = client.PrivateKeyJwt(await privateKeyOf(party))
  const execute = [client.allowInsecureRequests]
  return client.discovery(new URL(issuer), party.did, undefined, authentication, { algorithm, execute })
}
