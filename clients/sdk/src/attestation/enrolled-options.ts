import type { Agent, AgentOptions } from '../agent.ts'
import type { KeyLike } from '../keys/signers.ts'
import type { Enrolment } from './enrol.ts'
import type { EvidenceSources } from './evidence-source.ts'

/** Options of `createAgent` for an agent that enrols itself. */
export interface EnrolledOptions
  extends Omit<AgentOptions, 'did' | 'key' | 'keyRotation' | 'onKeyRotation' | 'attest' | 'operator'> {
  /** The id of the operator whose rule lets the agent enrol, a UUID. */
  readonly operator: string
  /**
   * The sources of evidence: one, or up to 4, all of which are used. The agent also attests with them, ahead of the
   * expiry of the results.
   */
  readonly enrol: EvidenceSources
  /** The identity key, an Ed25519 key. By default a new one, so each object is another agent. */
  readonly key?: KeyLike | undefined
  /** The name of the enrolment rule. It must be given if the evidence meets several rules. */
  readonly rule?: string | undefined
}

/** An agent that has enrolled itself, and what it got. */
export interface EnrolledAgent extends Agent {
  readonly enrolment: Enrolment
}
