import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { parseDid } from '@auth4agent/core/identity/did'
import type { Call } from '../../calls/call.ts'
import type { Actor } from '../../ledger/principal.ts'
import type { KnownConsent } from '../../people/index.ts'
import { checkDpop } from '../check-dpop.ts'
import type { ClientAuthentication } from '../domain/oauth-request.ts'
import { DPOP_ISSUER } from '../redeem-statement.ts'
import { type ActingAgent, type AgentDeps, authenticateAgent } from './acting-agent.ts'
import { authenticateProgram, type ProgramDeps, type UsedText } from './authenticate-program.ts'
import { ASSERTION, type OnceText } from './issue-statement.ts'

/** The dependencies of authenticateActor. */
export type ActorDeps = ProgramDeps & AgentDeps

/** What a client that acts for a user has proved. */
export interface ProvenActor {
  /** Undefined for a client that is no agent. */
  readonly agent: ActingAgent | undefined
  readonly dpop: DpopProof | undefined
  /** The texts that are used with the token. */
  readonly once: readonly OnceText[]
}

/**
 * Authenticates the client of a consent: an agent as agents always do, every other client in the way to which the user
 * has consented.
 *
 * @param scopes those that the client wants
 * @throws ApiError as authenticateAgent and authenticateProgram do; CLIENT_NOT_ACCEPTED for a registered client while
 *   none may register itself. Such a client can still end its connections
 */
export async function authenticateActor(
  deps: ActorDeps,
  client: ClientAuthentication,
  consent: KnownConsent,
  scopes: readonly string[],
  call: Call,
): Promise<ProvenActor> {
  if (isAgent(consent)) {
    const agent = await authenticateAgent(deps, client, { audience: consent.audience, scopes }, call)
    return { agent, dpop: agent.dpop, once: [onceProof(agent.dpop)] }
  }
  deps.clientKeys.demandOpen(consent.clientId)
  const assertion = await authenticateProgram(deps, client, consent, call)
  return provenProgram(deps, assertion, call)
}

/**
 * Returns what a client that is no agent has proved, by its assertion and its DPoP proof.
 *
 * @throws ApiError as checkDpop does
 */
export function provenProgram(deps: ProgramDeps, assertion: UsedText | undefined, call: Call): ProvenActor {
  const dpop = call.dpop && checkDpop(deps, call.dpop)
  const proofs = dpop === undefined ? [] : [onceProof(dpop)]
  const assertions = assertion === undefined ? [] : [{ kind: ASSERTION, ...assertion } as const]
  return { agent: undefined, dpop, once: [...proofs, ...assertions] }
}

/** Returns a client as the author of a change. */
export function principalOf(client: Pick<KnownConsent, 'clientId'>): Actor {
  const { clientId } = client
  return isAgent(client) ? { kind: 'agent', did: clientId } : { kind: 'client', clientId }
}

function isAgent({ clientId }: Pick<KnownConsent, 'clientId'>): boolean {
  return parseDid(clientId) !== undefined
}

function onceProof({ id, expiresAtS: exp }: DpopProof): OnceText {
  return { kind: DPOP_ISSUER, id, exp }
}
