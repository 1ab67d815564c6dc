import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, type Shape } from './answers.ts'
import { type NewAgent, newAgentBody } from './operator-agents.ts'
import * as answers from './operator-answers.ts'
import { createTransport, type TransportOptions } from './transport.ts'

/** What a token must be good for; what is left out is not looked at. */
export interface OnlineRequirements {
  readonly audience?: readonly string[] | undefined
  readonly scope?: string | undefined
  /** Domains or ids. */
  readonly operators?: readonly string[] | undefined
}

const REQUIREMENT_NAMES: Names<OnlineRequirements> = { audience: true, scope: true, operators: true }

const verification = {
  valid: 'flag',
  revoked: 'flag',
  claims: 'any',
  verified_at: 'text?',
  reason: 'text?',
} as const satisfies Shape
/** What a server says of a token; `reason` is a stable code of why it is not valid. */
export type OnlineVerification = Answer<typeof verification>

/** Calls that need no assertion. They reject with Auth4AgentError. */
export interface OpenCalls {
  /** Registers an agent as pending: its operator has to approve it. */
  registerAgent(operatorId: string, agent: NewAgent): Promise<answers.RegisteredAgent>
  /** Resolves a DID. */
  getAgent(did: string): Promise<answers.AgentRecord>
  /** Revokes a token that one holds. */
  revokeToken(token: string, reason?: string): Promise<answers.RevokedToken>
  /** Whether a token is valid now, revocation included. */
  verifyToken(token: string, wanted?: OnlineRequirements): Promise<OnlineVerification>
}

/** The open calls of a server. Throws TypeError for an address that is not safe, and for ids that are none. */
export function openCalls(options: TransportOptions): OpenCalls {
  const send = createTransport(options)
  const post = (path: string, body: object) => send({ method: 'POST', path, body })
  return {
    registerAgent: async (operatorId, agent) => {
      if (!isUuid(operatorId)) throw new TypeError('an operator id is a UUID')
      const body = { ...newAgentBody(agent), operator_id: operatorId }
      return readAnswer(answers.registeredAgent, await post(`/v1/operators/${operatorId}/agents`, body))
    },
    getAgent: async (did) => {
      if (parseDid(did) === undefined) throw new TypeError('an agent is resolved by its DID')
      return readAnswer(answers.agent, await send({ method: 'GET', path: `/v1/agent/${did}` }))
    },
    revokeToken: async (token, reason) =>
      readAnswer(answers.revokedToken, await post('/v1/revoke/token', { token, reason })),
    verifyToken: async (token, wanted = {}) => {
      refuseUnknownNames('requirement', wanted, REQUIREMENT_NAMES)
      return readAnswer(verification, await post('/v1/verify', { token, ...wanted }))
    },
  }
}
