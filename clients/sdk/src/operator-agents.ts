import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from './answers.ts'
import type { Caller } from './caller.ts'
import * as answers from './operator-answers.ts'
import { items, queryOf } from './pages.ts'

/** Which agents to list. */
export interface AgentFilter {
  /** All but pending unless told. */
  readonly status?: 'pending' | 'active' | 'suspended' | 'revoked' | undefined
  readonly pageSize?: number | undefined
}

/** An agent to be registered. */
export interface NewAgent {
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array
  /** The one that key and domain give; left out, the server forms it. */
  readonly did?: string | undefined
  readonly didDocument?: unknown
  readonly label?: string | undefined
}

/** What of an agent can be changed; what is left out stays. */
export interface AgentChanges {
  readonly label?: string | undefined
  readonly requireBoundChallenges?: boolean | undefined
}

const FILTER_NAMES: Names<AgentFilter> = { status: true, pageSize: true }
const CHANGE_NAMES: Names<AgentChanges> = { label: true, requireBoundChallenges: true }

/** An operator's agents. `agent` is an id or a DID; anything else is a TypeError, for it becomes part of a path. */
export interface OperatorAgents {
  /** Oldest first; pages are asked for as they are reached. */
  list(filter?: AgentFilter): AsyncGenerator<answers.AgentRecord, void, undefined>
  /** By its DID. */
  get(did: string): Promise<answers.AgentRecord>
  /** As active, without scopes. */
  register(agent: NewAgent): Promise<answers.RegisteredAgent>
  approve(agent: string): Promise<answers.ApprovedAgent>
  /** Replaces the grant, and approves a pending agent. A narrower one ends the agent's tokens. */
  setScopes(agent: string, scopes: readonly string[]): Promise<answers.AgentScopes>
  update(agent: string, changes: AgentChanges): Promise<answers.AgentRecord>
  /** No new tokens, and outstanding ones end. */
  suspend(agent: string, reason?: string): Promise<answers.SuspendedAgent>
  /** Revives no token. */
  reactivate(agent: string): Promise<answers.ReactivatedAgent>
  /** For good. */
  revoke(agent: string, reason?: string): Promise<answers.RevokedAgent>
}

/** The agents of the operator with that id. */
export function operatorAgents(caller: Caller, operatorId: string): OperatorAgents {
  const base = `/v1/operators/${operatorId}/agents`
  const change = (agent: string, verb: string, body: object) =>
    caller.call(operatorId, { method: 'POST', path: `${base}/${named(agent)}/${verb}`, body })
  return {
    list: (filter = {}) => {
      refuseUnknownNames('filter', filter, FILTER_NAMES)
      const { status, pageSize } = filter
      const query = queryOf({ status, page_size: pageSize })
      return items(caller, operatorId, answers.agent, { method: 'GET', path: base, query })
    },
    get: async (did) =>
      readAnswer(answers.agent, await caller.open({ method: 'GET', path: `/v1/agent/${named(did)}` })),
    register: async (agent) => {
      const body = newAgentBody(agent)
      return readAnswer(answers.registeredAgent, await caller.call(operatorId, { method: 'POST', path: base, body }))
    },
    approve: async (agent) => readAnswer(answers.approved, await change(agent, 'approve', {})),
    setScopes: async (agent, scopes) => {
      // Left out, they would be sent as none, and end the grant.
      if (!Array.isArray(scopes)) throw new TypeError('scopes must be a list: an empty one ends the grant')
      const call = { method: 'PATCH', path: `${base}/scopes`, body: { did: named(agent), allowed_scopes: scopes } }
      return readAnswer(answers.scopes, await caller.call(operatorId, call))
    },
    update: async (agent, changes) => {
      refuseUnknownNames('change', changes, CHANGE_NAMES)
      const { label, requireBoundChallenges } = changes
      const body = { label, require_bound_challenges: requireBoundChallenges }
      const call = { method: 'PATCH', path: `${base}/${named(agent)}`, body }
      return readAnswer(answers.agent, await caller.call(operatorId, call))
    },
    suspend: async (agent, reason) => readAnswer(answers.suspended, await change(agent, 'suspend', { reason })),
    reactivate: async (agent) => readAnswer(answers.reactivated, await change(agent, 'reactivate', {})),
    revoke: async (agent, reason) => readAnswer(answers.revoked, await change(agent, 'revoke', { reason })),
  }
}

/** A new agent as the wire has it. Throws TypeError for a member that no agent has. */
export function newAgentBody(agent: NewAgent) {
  refuseUnknownNames('member of an agent', agent, NEW_AGENT_NAMES)
  const { publicKey, did, didDocument, label } = agent
  return { did, did_document: didDocument, agent_public_key: encodeBase64(publicKey), label }
}

const NEW_AGENT_NAMES: Names<NewAgent> = { publicKey: true, did: true, didDocument: true, label: true }

/** A name that is safe in a path: `..` would lead elsewhere than the assertion says. */
function named(agent: string): string {
  if (!isUuid(agent) && parseDid(agent) === undefined) throw new TypeError('an agent is named by its id or its DID')
  return agent
}
