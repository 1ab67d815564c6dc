import { randomUUID } from 'node:crypto'
import type { AgentParty } from '../../support/parties.ts'
import type { Answer, Json, ProtocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator, signedChallenge } from '../../support/story.ts'
import type { LogEntry } from './log.ts'
import type { Stage } from './stage.ts'

/** The agent whose token ends. Its operator has no other agent. */
export interface Subject {
  readonly operator: OperatorParty
  readonly agent: AgentParty
  readonly issued: Json
}

/** A call that ends a token, the verdict after it, and its record in the log. */
export interface Ending {
  readonly name: string
  readonly verdict: string
  readonly end: (at: ProtocolClient, subject: Subject, admin: Stage['admin']) => Promise<Answer>
  readonly record: (subject: Subject) => LogEntry
}

/** Two servers. The first server gets the first call, and the second server gets the call after it. */
export type Pair = readonly [ProtocolClient, ProtocolClient]

/** The calls that both versions have. */
export const ENDINGS: readonly Ending[] = [
  {
    name: 'a token is revoked',
    verdict: 'TOKEN_REVOKED',
    end: (at, { issued }) => at.revokeToken(issued.token),
    record: ({ operator, issued }) => ({ kind: 'token', operator: operator.id, subject: String(issued.jti) }),
  },
  {
    name: 'an agent is suspended',
    verdict: 'AGENT_TOKENS_ENDED',
    end: (at, { operator, agent }) => at.suspendAgent(operator.id, agent.did, operator),
    record: ({ operator, agent }) => ({ kind: 'agent', operator: operator.id, subject: agent.did }),
  },
  {
    name: 'an operator is suspended',
    verdict: 'OPERATOR_TOKENS_ENDED',
    end: (at, { operator }, admin) => at.signed('POST', `/v1/operators/${operator.id}/suspend`, null, admin),
    record: ({ operator }) => ({ kind: 'operator', operator: operator.id, subject: '' }),
  },
]

/** Creates an agent, whose token one server issues for a challenge of the other. */
export async function newSubject([one, two]: Pair, { dns }: Stage): Promise<Subject> {
  const operator = await provenOperator(one, dns, `${randomUUID()}.example.com`)
  const agent = await activeAgent(two, operator)
  const issued = expectStatus(200, await two.token(await signedChallenge(one, agent)))
  return { operator, agent, issued }
}

/** Returns the verdict of a server about the subject's token. */
export async function verdictAt(at: ProtocolClient, { issued }: Subject): Promise<unknown> {
  const { valid, reason } = expectStatus(200, await at.verify(issued.token))
  return valid === true ? 'valid' : reason
}
