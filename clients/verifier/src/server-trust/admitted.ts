import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Problems } from '../problems.ts'
import type { AdmissionCopy } from './admission-copy.ts'
import type { Admission, AdmittedIssuer } from './read-answer.ts'

/** By what a token of another deployment is accepted. */
export interface Admitted {
  readonly copy: AdmissionCopy
  readonly admission: Admission
  readonly issuer: AdmittedIssuer
  readonly audience: string
  /** The demanded audiences among which `audience` was chosen. */
  readonly audiences: readonly string[]
  /** What the log of the own deployment must not have ended. */
  readonly here: TrustBasis
  /** What the logs of other deployments must not have ended. */
  readonly abroad: readonly Abroad[]
}

/** Statements of operators of another deployment. */
export interface Abroad {
  readonly issuer: AdmittedIssuer | undefined
  /** Undefined if its log is not followed here. */
  readonly log: FollowedLog | undefined
  readonly basis: TrustBasis
}

/** The revocation log of another issuer, which is followed here. */
export interface FollowedLog {
  readonly issuer: string
  readonly follower: Follower
  readonly maxStalenessMs: number
  readonly problems: Problems
}
