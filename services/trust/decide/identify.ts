import { parseDid } from '@auth4agent/core/identity/did'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { KnownDomain, KnownIssuer } from '../issuers/known-issuer.ts'

/** Who wants to call: an operator of another deployment, under the domain that it claims. */
export interface Subject {
  readonly domain: string
  readonly operatorId: string
}

/** The leg `identity`: whether an admitted issuer speaks for the domain of a subject. */
export type Identity = Identified | NotIdentified

/** That an issuer speaks for a domain. */
export interface SpeaksFor {
  readonly issuer: KnownIssuer
  readonly domain: KnownDomain
}

/** A leg `identity` that is met. */
export interface Identified extends SpeaksFor {
  readonly ok: true
}

/** A leg `identity` that is not met. */
export interface NotIdentified {
  readonly ok: false
  /** `absent`: the issuer is not admitted. `unproven`: it does not speak for the domain. */
  readonly state: keyof typeof VERDICTS
  /** The verdict on a token or grant of the subject. */
  readonly refused: Verdict
  readonly issuer: KnownIssuer | undefined
}

const VERDICTS = {
  absent: 'ISSUER_NOT_TRUSTED',
  disabled: 'ISSUER_DISABLED',
  unproven: 'SUBJECT_OUTSIDE_NAMESPACE',
} as const

/**
 * How long a proof by DNS counts, in milliseconds. Proofs are repeated each hour, and three failures end a domain. So
 * this only matters if nobody repeated them: while the issuer was disabled, or all processes were stopped.
 */
export const PROOF_AGE_MS = 7_200_000

/** Decides whether an issuer is admitted: the first half of the leg `identity`. */
export function admit(
  issuer: KnownIssuer | undefined,
): NotIdentified | { readonly ok: true; readonly issuer: KnownIssuer } {
  if (issuer === undefined) return notIdentified('absent', issuer)
  return issuer.isEnabled ? { ok: true, issuer } : notIdentified('disabled', issuer)
}

function notIdentified(state: NotIdentified['state'], issuer: KnownIssuer | undefined): NotIdentified {
  return { ok: false, state, refused: VERDICTS[state], issuer }
}

/** Decides the leg `identity`. `nowMs` is in Unix milliseconds. */
export function identify(row: KnownIssuer | undefined, subject: Subject | undefined, nowMs: number): Identity {
  const admitted = admit(row)
  if (!admitted.ok) return admitted
  const { issuer } = admitted
  const domain = subject && issuer.domains.get(subject.domain)
  const isProven = domain?.operatorId === subject?.operatorId && nowMs - (domain?.provenAt ?? nowMs) <= PROOF_AGE_MS
  return domain !== undefined && isProven ? { ok: true, issuer, domain } : notIdentified('unproven', issuer)
}

/**
 * Returns the subject of a token or grant of an issuer. A subject of the kind `oauth` is no DID: all its subjects
 * belong to the one domain of the issuer.
 */
export function subjectOf(
  { kind, domains }: KnownIssuer,
  { sub, operator_id: operatorId }: { readonly sub: string; readonly operator_id: string },
): Subject | undefined {
  const domain = kind === 'oauth' ? [...domains.keys()][0] : parseDid(sub)?.domain
  return domain === undefined ? undefined : { domain, operatorId }
}
