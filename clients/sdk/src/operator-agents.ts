import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from './answers.ts'
import type { Caller } from './caller.ts'
import { recovery, type StartedRecovery } from './key-events/key-answers.ts'
import * as answers from './operator-answers.ts'
import { type OperatorMoves, operatorMoves } from './operator-moves.ts'
import { items, queryOf } from './pages.ts'
import type { OperatorSigner } from './signer.ts'

/** Which agents to list. */
export interface AgentFilter {
  /** By default, all agents that are not pending. */
  readonly status?: 'pending' | 'active' | 'suspended' | 'revoked' | undefined
  readonly pageSize?: number | undefined
}

/** An agent to register. */
export interface NewAgent {
  /** The raw public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** The DID that follows from key and domain. The server computes it if it is left out. */
  readonly did?: string | undefined
  readonly didDocument?: unknown
  readonly label?: string | undefined
  /**
   * The first event of the agent's log of keys, which {@link newIdentity} signs. Only a server that knows key events
   * accepts it. Without it, the server records an event without a signature.
   */
  readonly inception?: string | undefined
}

/** Changes to an agent. A member that is left out stays as it is. */
export interface AgentChanges {
  readonly label?: string | undefined
  readonly requireBoundChallenges?: boolean | undefined
  /**
   * How many times a grant of the agent may be handed on, 0 to 8. An agent with 0, the default, gets no grants. A
   * smaller number ends all tokens and grants of the agent.
   */
  readonly maxDelegationDepth?: number | undefined
  /**
   * Where a browser may be sent back to when the agent asks a user for consent: at most 16. With an empty list the
   * agent cannot ask. When the hosts change, the users are asked again.
   */
  readonly redirectUris?: readonly string[] | undefined
}

const FILTER_NAMES: Names<AgentFilter> = { status: true, pageSize: true }
const CHANGE_NAMES: Names<AgentChanges> = {
  label: true,
  requireBoundChallenges: true,
  maxDelegationDepth: true,
  redirectUris: true,
}

/**
 * The calls for the agents of an operator. `agent` is an id or a DID. The calls reject any other text with TypeError,
 * because the text becomes part of a path.
 *
 * @example
 *
 * ```ts
 * const { did } = await operator.agents.register({ publicKey: key.publicKey })
 * await operator.agents.setScopes(did, ['orders:read'])
 * for await (const agent of operator.agents.list({ status: 'active' })) console.log(agent.did)
 * ```
 */
export interface OperatorAgents extends OperatorMoves {
  /** Lists agents, oldest first. Requests each page when it is needed. */
  list(filter?: AgentFilter): AsyncGenerator<answers.AgentRecord, void, undefined>
  /** Resolves with the agent that a DID names. */
  get(did: string): Promise<answers.AgentRecord>
  /** Registers an agent. The agent is active, but has no scopes yet. */
  register(agent: NewAgent): Promise<answers.RegisteredAgent>
  /** Approves a pending agent. */
  approve(agent: string): Promise<answers.ApprovedAgent>
  /**
   * Replaces the agent's grant, and approves a pending agent. If the new grant lacks a scope of the old one, the
   * agent's tokens end.
   */
  setScopes(agent: string, scopes: readonly string[]): Promise<answers.AgentScopes>
  /** Changes the label of an agent, whether it needs bound challenges, how far its grants go, or its redirect URIs. */
  update(agent: string, changes: AgentChanges): Promise<answers.AgentRecord>
  /** Suspends an agent. The agent gets no new tokens, and its existing tokens end. */
  suspend(agent: string, reason?: string): Promise<answers.SuspendedAgent>
  /** Lets a suspended agent sign in again. Tokens that have ended stay ended. */
  reactivate(agent: string): Promise<answers.ReactivatedAgent>
  /**
   * Starts the recovery of an agent whose identity key is lost or stolen. The key to which the agent committed signs
   * the event: {@link signRecovery} makes it. The recovery takes effect at `effective_at`, unless the current key
   * objects before.
   */
  recover(agent: string, event: string): Promise<StartedRecovery>
  /** Revokes an agent for good. */
  revoke(agent: string, reason?: string): Promise<answers.RevokedAgent>
}

/** The key that signs releases of agents, and the clock. */
interface AgentSigning {
  readonly key: OperatorSigner
  readonly now: () => number
}

/** Makes the calls for the agents of one operator. */
export function operatorAgents(caller: Caller, operatorId: string, { key, now }: AgentSigning): OperatorAgents {
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
      // Without this check, undefined would be sent as an empty list, which ends the grant.
      if (!Array.isArray(scopes)) throw new TypeError('scopes must be an array, which is empty to end the grant')
      const call = { method: 'PATCH', path: `${base}/scopes`, body: { did: named(agent), allowed_scopes: scopes } }
      return readAnswer(answers.scopes, await caller.call(operatorId, call))
    },
    update: async (agent, changes) => {
      refuseUnknownNames('change', changes, CHANGE_NAMES)
      const { label, requireBoundChallenges, maxDelegationDepth, redirectUris } = changes
      const body = {
        label,
        require_bound_challenges: requireBoundChallenges,
        max_delegation_depth: maxDelegationDepth,
        redirect_uris: redirectUris && { uris: redirectUris },
      }
      const call = { method: 'PATCH', path: `${base}/${named(agent)}`, body }
      return readAnswer(answers.agent, await caller.call(operatorId, call))
    },
    suspend: async (agent, reason) => readAnswer(answers.suspended, await change(agent, 'suspend', { reason })),
    reactivate: async (agent) => readAnswer(answers.reactivated, await change(agent, 'reactivate', {})),
    recover: async (agent, event) => readAnswer(recovery, await change(agent, 'recover', { event })),
    revoke: async (agent, reason) => readAnswer(answers.revoked, await change(agent, 'revoke', { reason })),
    ...operatorMoves({ caller, operatorId, key, now }, change),
  }
}

/** Returns a new agent in the form of the wire. Throws TypeError for an unknown member. */
export function newAgentBody(agent: NewAgent) {
  refuseUnknownNames('member of an agent', agent, NEW_AGENT_NAMES)
  const { publicKey, did, didDocument, label, inception } = agent
  return { did, did_document: didDocument, agent_public_key: encodeBase64(publicKey), label, inception }
}

const NEW_AGENT_NAMES: Names<NewAgent> = {
  publicKey: true,
  did: true,
  didDocument: true,
  label: true,
  inception: true,
}

/** Returns the id or DID. Throws TypeError for other text: `..` would change the path that the assertion names. */
function named(agent: string): string {
  if (!isUuid(agent) && parseDid(agent) === undefined)
    throw new TypeError('An agent must be named by its id or its DID')
  return agent
}
