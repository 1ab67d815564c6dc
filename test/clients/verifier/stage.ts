import { sign } from 'node:crypto'
import type { AssertionSigner } from '@auth4agent/core/identity/assertion'
import { createVerifier, type Fetch, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newKeys } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'

/** The platform's, also where a test puts another in its place. */
const { fetch: platformFetch } = globalThis

/** Audience of the stories' APIs. */
const AUDIENCE = 'https://api.agents.example.com'

/** A deployment with an operator, an agent of it, and whoever has an API. */
export interface Stage {
  readonly deployment: Deployment
  readonly operator: OperatorParty
  readonly agent: AgentParty
  /** The issuer is a name here: this reaches its server, and can be cut from its parts. */
  readonly network: Network
  /** Another operator, whose key the test has. */
  newOperator(domain: string): Promise<{ readonly id: string; readonly signer: AssertionSigner }>
  newToken(scope?: string): Promise<string>
  newVerifier(options?: Partial<VerifierOptions>): Verifier
}

/** What of the issuer can be reached. */
interface Network {
  readonly fetch: Fetch
  /** Paths that were asked for. */
  readonly asked: string[]
  /** Paths that begin so are not reached any more; none again. */
  cut(...prefixes: string[]): void
}

/** Starts everything. */
export async function setStage(): Promise<Stage> {
  const deployment = await startDeployment()
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  const agent = await activeAgent(deployment.client, operator, ['orders:read', 'orders:write'])
  const network = networkTo(deployment)
  return {
    deployment,
    operator,
    agent,
    network,
    newOperator: (domain) => newOperator(deployment, domain),
    newToken: async (scope = 'orders:read') =>
      String((await issueToken(deployment.client, agent, { scope, audience: AUDIENCE })).token),
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
