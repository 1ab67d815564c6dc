import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, type Shape } from './answers.ts'
import { type HolderStatement, readHolderStatement } from './delegation/holder-statements.ts'
import { type KeyLog, readKeyLog } from './key-events/key-log.ts'
import { type NewAgent, newAgentBody } from './operator-agents.ts'
import * as answers from './operator-answers.ts'
import { exportAgent } from './operator-moves.ts'
import { createTransport, type TransportOptions } from './transport.ts'

/**
 * A demand on the results of attestation that a token states. One result must meet the whole demand. `{}` demands a
 * result of any kind. A demand that is left out is not checked.
 */
export interface RequiredAttestation {
  /** Types of attestors, such as `tpm`. */
  readonly types?: readonly string[] | undefined
  /** Names of attestors, as the operators have chosen them. */
  readonly attestors?: readonly string[] | undefined
  /** The weakest level. */
  readonly level?: 'bearer' | 'bound' | 'hardware' | undefined
  /** How old the result may be, in seconds, by the server's clock. */
  readonly maxAge?: number | undefined
}

const ATTESTATION_NAMES: Names<RequiredAttestation> = { types: true, attestors: true, level: true, maxAge: true }

/** Requirements for a token. A requirement that is left out is not checked. */
export interface OnlineRequirements {
  readonly audience?: readonly string[] | undefined
  readonly scope?: string | undefined
  /** Domains or operator ids. The token's operator must be one of them. */
  readonly operators?: readonly string[] | undefined
  /**
   * Issuers whose tokens are accepted; by default only that of the server. The server must have admitted the others.
   * With this requirement, `audience` is required too.
   */
  readonly issuers?: readonly string[] | undefined
  /**
   * The DPoP proof of the request that carried the token (RFC 9449). Pass it with `httpMethod` and `httpUrl` if the
   * token came with the scheme DPoP. Without it, a token that is bound to a key is not valid. Each proof can be
   * verified once.
   */
  readonly dpopProof?: string | undefined
  /** The method of that request, such as `GET`. */
  readonly httpMethod?: string | undefined
  /** The URL of that request, as its client knows it. */
  readonly httpUrl?: string | undefined
  /**
   * `accept` if delegated authority is accepted: a chain of grants or a delegated token. By default it is not.
   * `inspect` asks only whether it is genuine, in time and not revoked, without audience, scope, arguments and proof;
   * never accept a call because of its answer.
   */
  readonly delegation?: 'accept' | 'inspect' | undefined
  /** The arguments of the call for which a chain is used. A constrained capability does not count without them. */
  readonly arguments?: JsonObject | undefined
  /** Domains. Every agent in the chain must be of one of them. Default: those of `operators`. `*` is every domain. */
  readonly actors?: readonly string[] | undefined
  /** True if you have checked yourself that the chain came with a proof of its last key. */
  readonly proofChecked?: boolean | undefined
  /** A result of attestation that the token must state. It needs `operators`. A chain of grants states none. */
  readonly attestation?: RequiredAttestation | undefined
}

const REQUIREMENT_NAMES: Names<OnlineRequirements> = {
  audience: true,
  scope: true,
  operators: true,
  issuers: true,
  dpopProof: true,
  httpMethod: true,
  httpUrl: true,
  delegation: true,
  arguments: true,
  actors: true,
  proofChecked: true,
  attestation: true,
}

const foreignTrust = {
  issuer: 'text',
  edges: 'texts',
  effective_scope: 'text',
  audience: 'text',
  revocation_mode: 'text',
  keys_as_of: 'text?',
  domain_as_of: 'text?',
  revocations_as_of: 'text?',
  max_staleness_ms: 'count',
} as const satisfies Shape
/**
 * Why a token of another issuer is valid: by which edges of the trust graph, with which scopes at the audience, and
 * how old the knowledge is.
 */
export type ForeignTrust = Answer<typeof foreignTrust>

const verification = {
  valid: 'flag',
  revoked: 'flag',
  claims: 'any',
  delegation: 'any',
  hop: 'count?',
  verified_at: 'text?',
  reason: 'text?',
  trust: 'any',
} as const satisfies Shape
/**
 * The server's answer about a token. `reason` is a stable code that says why the token is not valid. `delegation` says
 * who acts for whom. A valid chain of grants has no `claims`. `hop` is the place of the grant or party to which the
 * reason applies, 0 for the root. `trust` is set for a valid token of another issuer.
 */
export type OnlineVerification = Omit<Answer<typeof verification>, 'trust'> & {
  readonly trust?: ForeignTrust | undefined
}

/** The calls that need no assertion. They reject with Auth4AgentError. */
export interface OpenCalls {
  /** Registers an agent as pending. The operator must then approve the agent. */
  registerAgent(operatorId: string, agent: NewAgent): Promise<answers.RegisteredAgent>
  /** Resolves with the agent that a DID names. */
  getAgent(did: string): Promise<answers.AgentRecord>
  /**
   * Reads the log of an agent's keys, and on platforms with node:crypto verifies it from the first event on. Rejects
   * with UNEXPECTED_ANSWER if the log is not genuine.
   */
  keyEvents(did: string): Promise<KeyLog>
  /**
   * Reads the server's statement about an active agent: who it is, and which key it has. A grant to the agent contains
   * it. `agent.delegate` reads it itself.
   */
  holderStatement(did: string): Promise<HolderStatement>
  /** Exports the bundle of an agent that has moved to another server. `operator.agents.admit` takes it there. */
  exportAgent(did: string): Promise<AgentBundle>
  /** Revokes a token. The caller needs only the token itself. */
  revokeToken(token: string, reason?: string): Promise<answers.RevokedToken>
  /** Asks the server whether a token is valid now. The server knows every revocation. */
  verifyToken(token: string, wanted?: OnlineRequirements): Promise<OnlineVerification>
}

/**
 * Creates a client for the calls that need no assertion. Throws TypeError for a server address that is neither https
 * nor on loopback. The methods of the client reject with TypeError for an invalid id or DID.
 *
 * @example
 *
 * ```ts
 * import { openCalls } from '@auth4agent/sdk'
 *
 * const server = openCalls({ server: 'https://auth.example.com' })
 * const { valid, reason } = await server.verifyToken(token, { audience: ['https://api.example.com'] })
 * ```
 */
export function openCalls(options: TransportOptions): OpenCalls {
  const send = createTransport(options)
  const post = (path: string, body: object) => send({ method: 'POST', path, body })
  return {
    registerAgent: async (operatorId, agent) => {
      if (!isUuid(operatorId)) throw new TypeError('An operator id must be a UUID')
      const body = { ...newAgentBody(agent), operator_id: operatorId }
      return readAnswer(answers.registeredAgent, await post(`/v1/operators/${operatorId}/agents`, body))
    },
    getAgent: async (did) =>
      readAnswer(answers.agent, await send({ method: 'GET', path: `/v1/agent/${expectDid(did)}` })),
    keyEvents: async (did) => readKeyLog(send, { did: expectDid(did) }),
    holderStatement: async (did) => readHolderStatement(send, expectDid(did)),
    exportAgent: (did) => exportAgent(send, did),
    revokeToken: async (token, reason) =>
      readAnswer(answers.revokedToken, await post('/v1/revoke/token', { token, reason })),
    verifyToken: async (token, wanted = {}) => {
      refuseUnknownNames('requirement', wanted, REQUIREMENT_NAMES)
      const { dpopProof: dpop_proof, httpMethod: http_method, httpUrl: http_url, ...own } = wanted
      const { proofChecked: proof_checked, attestation, ...others } = own
      const proof = { dpop_proof, http_method, http_url, proof_checked }
      const body = { token, ...others, ...proof, ...(attestation && { attestation: toRequired(attestation) }) }
      return readVerification(await post('/v1/verify', body))
    },
  }
}

function toRequired(required: RequiredAttestation) {
  refuseUnknownNames('requirement of attestation', required, ATTESTATION_NAMES)
  const { maxAge: max_age, ...others } = required
  return { ...others, max_age }
}

function readVerification(value: unknown): OnlineVerification {
  const { trust, ...answer } = readAnswer(verification, value)
  return trust === undefined || trust === null ? answer : { ...answer, trust: readAnswer(foreignTrust, trust) }
}

/** Throws TypeError for a text that is no DID, because the text becomes part of a path. */
function expectDid(did: string): string {
  if (parseDid(did) === undefined) throw new TypeError('An agent must be named by its DID')
  return did
}
