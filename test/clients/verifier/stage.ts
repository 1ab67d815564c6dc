import { sign } from 'node:crypto'
import type { AssertionSigner } from '@auth4agent/core/identity/assertion'
import { createVerifier, type Fetch, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { type Deployment, type DeploymentOptions, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, clientAssertion, newKeys } from '../../support/parties.ts'
import { type Watcher, watcherOf } from '../../support/sdk/watch-key.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { proofClient } from './proofs.ts'

/** The platform's fetch, kept here because a test replaces the global fetch. */
const { fetch: platformFetch } = globalThis

/** The audience of the APIs. */
const AUDIENCE = 'https://api.agents.example.com'

/** A deployment with a proven operator and one of its agents. Tests create verifiers for it. */
export interface Stage {
  readonly deployment: Deployment
  readonly operator: OperatorParty
  readonly agent: AgentParty
  /** The network between the verifiers and the issuer. A test can cut single paths. */
  readonly network: Network
  /** Registers and proves another operator. Resolves with its id and root key. */
  newOperator(domain: string): Promise<{ readonly id: string; readonly signer: AssertionSigner }>
  /** Adds a key with the role watch to an operator of which the root key is given. */
  newWatcher(operatorId: string, root: AssertionSigner): Promise<Watcher>
  newToken(scope?: string): Promise<string>
  /** Resolves with a token that is bound to a new key, and with a function that proves a GET of a URL with it. */
  newBoundToken(): Promise<{ readonly token: string; readonly prove: (url: string) => string }>
  newVerifier(options?: Partial<VerifierOptions>): Verifier
}

/** The network between verifiers and the issuer. */
interface Network {
  readonly fetch: Fetch
  /** The paths that were requested. */
  readonly asked: string[]
  /** Cuts the paths with these prefixes. Without a prefix, all paths are reachable again. */
  cut(...prefixes: string[]): void
}

/** Starts the deployment with its operator and agent. */
export async function setStage(options: DeploymentOptions = {}): Promise<Stage> {
  const deployment = await startDeployment(options)
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  const agent = await activeAgent(deployment.client, operator, ['orders:read', 'orders:write'])
  const network = networkTo(deployment)
  return {
    deployment,
    operator,
    agent,
    network,
    newOperator: (domain) => newOperator(deployment, domain),
    newWatcher: (operatorId, key) =>
      watcherOf({ server: deployment.server.baseUrl, issuer: ISSUER, operatorId, key, fetch: platformFetch }),
    newToken: async (scope = 'orders:read') =>
      String((await issueToken(deployment.client, agent, { scope, audience: AUDIENCE })).token),
    newBoundToken: () => newBoundToken(deployment, agent),
    newVerifier: (options = {}) =>
      createVerifier({
        issuer: ISSUER,
        audience: AUDIENCE,
        operators: [operator.domain],
        revocations: { authorization: async () => operator.assert('GET /v1/revocations') },
        fetch: network.fetch,
        ...options,
      }),
  }
}

function networkTo(deployment: Deployment): Network {
  let broken: readonly string[] = []
  const asked: string[] = []
  return {
    asked,
    cut: (...prefixes) => {
      broken = prefixes
    },
    fetch: async (url, init) => {
      const { pathname } = new URL(url)
      asked.push(pathname)
      if (broken.some((prefix) => pathname.startsWith(prefix))) throw new TypeError(`${pathname} is cut off`)
      return platformFetch(url.replace(ISSUER, deployment.server.baseUrl), init)
    },
  }
}

/** Gets a token at the token endpoint, which binds it to the key of the proof (RFC 9449 section 5). */
async function newBoundToken({ server }: Deployment, agent: AgentParty) {
  const client = proofClient('ES256')
  const dpop = client.prove({ method: 'POST', url: `${ISSUER}/oauth/token`, token: '' }, { ath: undefined })
  const wishes = { grant_type: 'client_credentials', scope: 'orders:read', resource: AUDIENCE }
  const body = new URLSearchParams({ ...wishes, ...clientAssertion(agent, ISSUER) })
  const response = await platformFetch(`${server.baseUrl}/oauth/token`, { method: 'POST', headers: { dpop }, body })
  const { access_token: token, token_type }: Record<string, unknown> = Object(await response.json())
  if (typeof token !== 'string' || token_type !== 'DPoP') throw new Error('The server did not issue a bound token')
  return { token, prove: (url: string) => client.prove({ url, token }) }
}

async function newOperator({ client, dns }: Deployment, domain: string) {
  const keys = newKeys()
  const id = String(expectStatus(201, await client.registerOperator(domain, keys)).id)
  const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(id))
  dns.setTxt(String(txt_record_name), [String(txt_record_value)])
  expectStatus(200, await client.confirm(id))
  const signer: AssertionSigner = {
    publicKey: keys.publicKey,
    sign: async (message) => sign(null, message, keys.privateKey),
  }
  return { id, signer }
}
