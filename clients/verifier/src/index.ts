export type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
export { FeedError, type FeedEvent, type RevocationFeed } from '@auth4agent/core/revocation/feed'
export type { AccessTokenClaims } from '@auth4agent/core/token/claims'
export type { AttestationOptions } from './attestation-options.ts'
export type { Arguments, WantedOfChain } from './chain-wanted.ts'
export { createVerifier, type Verifier } from './create-verifier.ts'
export type { Delegation, DelegationHop } from './delegation.ts'
export { VerificationError, type VerificationErrorOptions, type VerificationReason } from './errors.ts'
export { grpcFeed, type RevocationClient } from './grpc-feed.ts'
export type { Fetch } from './http.ts'
export type { IssuerOptions, IssuerSettings, Revocations, TrustedIssuer } from './issuer-options.ts'
export type { AdmissionMetrics, IssuerMetrics, Metrics } from './metrics.ts'
export type {
  AnyVerifierOptions,
  MultiIssuerOptions,
  ServiceSettings,
  Settings,
} from './options.ts'
export type { PresentedToolCall } from './presented-tool-call.ts'
export type { ReadyOptions } from './problems.ts'
export { toPrometheus } from './prometheus.ts'
export { RootKeyWarning } from './root-key.ts'
export type { FollowedIssuer, OwnOperator, ServerTrustOptions } from './server-trust/trust-options.ts'
export { SetupError, type SetupReason } from './setup-error.ts'
export { type SseFeedOptions, sseFeed } from './sse-feed.ts'
export type { VerifiedClaims } from './verified-claims.ts'
export type { ServiceOptions, VerifierOptions } from './verifier-options.ts'
export type { PresentedProof, Wanted } from './wanted.ts'
