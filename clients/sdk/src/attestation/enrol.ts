import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from '../answers.ts'
import { clientError } from '../errors.ts'
import { isKeyOfDid } from '../keys/is-key-of-did.ts'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import { withRetries } from '../retry.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { openServer, SERVER_NAMES, type Server, type ServerOptions } from '../server.ts'
import type { Signer } from '../signer.ts'
import { type AttestationResult, readResults } from './attestation-answers.ts'
import { type EvidenceSource, type EvidenceSources, listSources } from './evidence-source.ts'
import { gatherEvidence, identityKey } from './gather-evidence.ts'

/** Options of {@link enrol}. */
export interface EnrolOptions extends ServerOptions {
  /** The id of the operator whose rule lets the agent enrol. */
  readonly operator: string
  /** The agent's identity key, which is an Ed25519 key. */
  readonly key: KeyLike
  /** The sources of the evidence: one, or up to 4, all of which are used. */
  readonly evidence: EvidenceSources
  /** The name of the enrolment rule. It must be given if the evidence meets several rules. */
  readonly rule?: string | undefined
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined
}

/** An agent that has enrolled itself, and what it got. */
export interface Enrolment {
  readonly did: string
  /** The rule that the evidence has met. */
  readonly rule: string
  /** The scopes for which the agent may ask under this rule. */
  readonly scopes: readonly string[]
  /** What the attestors say about the agent. */
  readonly results: readonly AttestationResult[]
}

const NAMES: Names<EnrolOptions> = {
  ...SERVER_NAMES,
  operator: true,
  key: true,
  evidence: true,
  rule: true,
  signal: true,
}
const answered = {
  did: 'text',
  status: 'text',
  rule: 'text?',
  allowed_scopes: 'texts?',
  attestation_results: 'any',
} as const

/**
 * Enrols an agent: sends evidence that meets an enrolment rule of the operator, without a secret in the agent and
 * without a person. The same key again gives the same agent. `createAgent` with the option `enrol` does the same, and
 * then works as the agent.
 *
 * Rejects with Auth4AgentError. ENROLMENT_REFUSED says which rule is not met, EVIDENCE_REFUSED what is wrong with the
 * evidence. Rejects with TypeError for options that no server accepts.
 *
 * @example
 *
 * ```ts
 * import { enrol, generateKey } from '@auth4agent/sdk'
 * import { kubernetes } from '@auth4agent/sdk/enrol'
 *
 * const { did, rule, scopes } = await enrol({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   key: await generateKey(),
 *   evidence: kubernetes(),
 * })
 * ```
 */
export async function enrol(options: EnrolOptions, runtime: Runtime = systemRuntime): Promise<Enrolment> {
  refuseUnknownNames('option', options, NAMES)
  const { key, evidence, operator, rule, signal = new AbortController().signal } = options
  const signer = identityKey(await toSigner(key))
  const sources = listSources(evidence)
  const { fetch = globalThis.fetch } = options
  return enrolAt({ server: openServer(options, runtime), operator, signer, sources, rule, fetch, signal, runtime })
}

/** A server that is open, and everything for an enrolment. */
interface Enrolling {
  readonly server: Server
  readonly operator: string
  readonly signer: Signer
  readonly sources: readonly EvidenceSource[]
  readonly rule: string | undefined
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
  readonly runtime: Runtime
}

async function enrolAt({ server, operator, signer, rule, signal, runtime, ...parts }: Enrolling): Promise<Enrolment> {
  expectOperator(operator)
  const path = `/v1/operators/${operator}/agents`
  return withRetries(runtime, signal, async () => {
    const gathered = await gatherEvidence({ ...parts, server, operator, signer, purpose: 'enrol', signal })
    const attestation = { ...gathered, ...(rule !== undefined && { rule }) }
    const body = { agent_public_key: encodeBase64(signer.publicKey), operator_id: operator, attestation }
    const answer = readAnswer(answered, await server.transport({ method: 'POST', path, body, signal }))
    if (!(await isKeyOfDid(signer.publicKey, answer.did)))
      throw clientError('UNEXPECTED_ANSWER', 'The server has enrolled another key')
    const results = readResults(answer.attestation_results)
    return { did: answer.did, rule: answer.rule ?? '', scopes: answer.allowed_scopes ?? [], results }
  })
}

/** Throws TypeError unless the text is an operator id. */
function expectOperator(id: string): void {
  if (!isUuid(id)) throw new TypeError('operator must be the id of an operator, a UUID in lower case')
}
