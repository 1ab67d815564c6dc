import { decodeBase64, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { parseDid } from '@auth4agent/core/identity/did'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { signAgentRelease } from '@auth4agent/core/key-events/sign-release'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { Auth4AgentError, clientError } from './errors.ts'
import * as keyAnswers from './key-events/key-answers.ts'
import { claimsOf } from './key-events/key-log.ts'
import * as answers from './operator-answers.ts'
import type { OperatorSigner } from './signer.ts'
import type { Transport } from './transport.ts'

const released = { agent_did: 'text', released_at: 'text' } as const satisfies Shape
/** An agent that its operator has released. */
export type ReleasedAgent = Answer<typeof released>

const objected = { agent_did: 'text', digest: 'text' } as const satisfies Shape
/** A move that an objection has ended. `digest` names its event. */
export type EndedMove = Answer<typeof objected>

const bundle = {
  events: 'texts',
  release: 'text',
  issuer: 'text',
  founding_public_key: 'text',
  manifests: 'texts?',
} as const satisfies Shape

/** The calls with which agents move between operators and servers. */
export interface OperatorMoves {
  /**
   * Lets an agent go that has asked for a move. `to` is the new DID that the operator expects: nothing is sent if the
   * agent has asked for another move. If the agent moves to another server, the release ends it here at once.
   *
   * Rejects with NOTHING_PENDING if no such move of the agent waits.
   */
  release(did: string, to: string): Promise<ReleasedAgent>
  /** Ends a move that the operator has not released. */
  objectToMove(agent: string, reason?: string): Promise<EndedMove>
  /**
   * Admits an agent that moves to this operator: by its previous DID if it comes from an operator of the same server,
   * or by the bundle that its previous server exports. The agent is active and has no scopes.
   */
  admit(agent: string | AgentBundle, label?: string): Promise<answers.RegisteredAgent>
}

/** The operator that makes the calls. */
interface Releaser {
  readonly caller: Caller
  readonly operatorId: string
  readonly key: OperatorSigner
  readonly now: () => number
}

/** Makes the calls about moves. `change` makes a call about one agent. */
export function operatorMoves(
  { caller, operatorId, key, now }: Releaser,
  change: (agent: string, verb: string, body: object) => Promise<unknown>,
): OperatorMoves {
  return {
    async release(did, to) {
      expectDid(did)
      const event = await findMove(caller, did, to)
      const statement = await signAgentRelease(key, { operatorId, did, event, to, nowS: now() / 1000 })
      return readAnswer(released, await change(did, 'release', { statement }))
    },
    objectToMove: async (agent, reason) => readAnswer(objected, await change(agent, 'object', { reason })),
    async admit(agent, label) {
      const body = typeof agent === 'string' ? { did: expectDid(agent), label } : { bundle: toWire(agent), label }
      const call = { method: 'POST', path: `/v1/operators/${operatorId}/agents/admit`, body }
      return readAnswer(answers.registeredAgent, await caller.call(operatorId, call))
    },
  }
}

/** Returns the digest of the move that waits. Computes it from the event that the agent has signed. */
async function findMove(caller: Caller, did: string, to: string): Promise<string> {
  const query = new URLSearchParams({ page_size: '1' })
  const page = await caller.open({ method: 'GET', path: `/v1/agent/${did}/events`, query })
  const { pending } = readAnswer(keyAnswers.keyEventPage, page)
  const move = readAnswers(keyAnswers.pendingKeyEvent, pending ?? []).find(({ type }) => type === 'move')
  if (move === undefined)
    throw new Auth4AgentError('No move of this agent waits', { reason: 'NOTHING_PENDING', status: 0 })
  const { to: asked } = claimsOf(move.event)
  if (asked !== to) {
    const message = `Nothing was sent: the agent has asked to move to ${asked}`
    throw new Auth4AgentError(message, { reason: 'NOTHING_PENDING', status: 0 })
  }
  return sha256Text(move.event, 'base64url')
}

/** Reads the bundle of an agent that has moved to another server. */
export async function exportAgent(send: Transport, did: string): Promise<AgentBundle> {
  const path = `/v1/agent/${expectDid(did)}/bundle`
  const { founding_public_key: key, manifests, ...rest } = readAnswer(bundle, await send({ method: 'GET', path }))
  const foundingPublicKey = decodeBase64(key)
  if (foundingPublicKey === undefined) throw clientError('UNEXPECTED_ANSWER', 'The founding key must be base64')
  return { ...rest, foundingPublicKey, manifests: manifests ?? [] }
}

function toWire({ events, release, issuer, foundingPublicKey, manifests }: AgentBundle) {
  return { events, release, issuer, founding_public_key: encodeBase64(foundingPublicKey), manifests }
}

/** Throws TypeError for a text that is no DID, because the text becomes part of a path. */
function expectDid(did: string): string {
  if (parseDid(did) === undefined) throw new TypeError('An agent that moves must be named by its DID')
  return did
}
