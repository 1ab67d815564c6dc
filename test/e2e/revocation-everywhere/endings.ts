import type { Deployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { expectStatus, type OperatorParty } from '../../support/story.ts'

/** The agent whose tokens end, with its operator and deployment. */
interface Subject {
  readonly deployment: Deployment
  /** The owner of the audience of the agent's tokens. */
  readonly owner: OperatorParty
  readonly operator: OperatorParty
  readonly agent: AgentParty
}

/** A call that ends a token, the verdict after it, and a call that lets the agent get another token. */
export interface Ending {
  readonly name: string
  readonly verdict: string
  end(subject: Subject, token: string): Promise<unknown>
  resume(subject: Subject): Promise<unknown>
}

/** The audience of the tokens of these stories. It belongs to another operator than the agent's. */
export const AUDIENCE = 'https://api.owner.example.com/v1'
/** The scopes that the agents of these stories are granted. */
export const SCOPES = ['read', 'write']

const post = async ({ deployment, operator }: Subject, call: string, by: 'admin' | 'operator') => {
  const asserter = by === 'admin' ? deployment.admin : operator
  const path = `/v1/operators/${operator.id}/${call}`
  return expectStatus(200, await deployment.client.signed('POST', path, null, asserter))
}
/** Lists who may ask for tokens for the audience, in the policy of its owner. */
export const setCallers = async ({ deployment, owner }: Pick<Subject, 'deployment' | 'owner'>, callers: string[]) => {
  const path = `/v1/operators/${owner.id}/policy`
  const policy = { audiences: [{ audience: AUDIENCE, callers }] }
  return expectStatus(200, await deployment.client.signed('PUT', path, policy, owner))
}
const setScopes = async ({ deployment, operator, agent }: Subject, scopes: readonly string[]) =>
  expectStatus(200, await deployment.client.setScopes(operator.id, agent.did, scopes, operator))

/** Every call that ends tokens and after which the agent can come back. All calls go to the first gateway. */
export const ENDINGS: readonly Ending[] = [
  {
    name: 'a token is revoked',
    verdict: 'false TOKEN_REVOKED',
    end: async ({ deployment }, token) => expectStatus(200, await deployment.client.revokeToken(token)),
    resume: async () => undefined,
  },
  {
    name: 'an agent is suspended',
    verdict: 'false AGENT_TOKENS_ENDED',
    end: async ({ deployment, operator, agent }) =>
      expectStatus(200, await deployment.client.suspendAgent(operator.id, agent.did, operator)),
    resume: async ({ deployment, operator, agent }) =>
      expectStatus(200, await deployment.client.reactivateAgent(operator.id, agent.did, operator)),
  },
  {
    name: 'an operator is suspended',
    verdict: 'false OPERATOR_TOKENS_ENDED',
    end: (subject) => post(subject, 'suspend', 'admin'),
    resume: (subject) => post(subject, 'reinstate', 'admin'),
  },
  {
    name: "the owner of the audience no longer lists the agent's domain",
    verdict: 'false TRUST_ENDED',
    end: (subject) => setCallers(subject, ['other.example.com']),
    resume: (subject) => setCallers(subject, ['agents.example.com']),
  },
  {
    name: 'scopes are removed',
    verdict: 'false AGENT_TOKENS_ENDED',
    end: (subject) => setScopes(subject, ['read']),
    resume: (subject) => setScopes(subject, SCOPES),
  },
  {
    name: 'an operator ends all tokens',
    verdict: 'false OPERATOR_TOKENS_ENDED',
    end: (subject) => post(subject, 'end-all-tokens', 'operator'),
    resume: async () => undefined,
  },
]
