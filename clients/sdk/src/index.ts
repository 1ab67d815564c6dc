export {
  type Administrator,
  createAdministrator,
  type RotatedKeys,
  type Rotation,
  type SigningKeys,
} from './administrator.ts'
export type {
  ContractStep,
  DeploymentCalls,
  ServerProcess,
  ServerProcesses,
} from './administrator-deployment.ts'
export type {
  FederationCalls,
  IssuerCandidate,
  NewSubordinate,
  NewTrustAnchor,
  Subordinate,
  TrustAnchor,
} from './administrator-federation.ts'
export type {
  AdmittedDomain,
  AdmittedIssuer,
  AdmittedKey,
  IssuerCalls,
  NewIssuer,
} from './administrator-issuers.ts'
export type { AdmittedSubject, NewSubject, SubjectCalls } from './administrator-subjects.ts'
export type {
  Agent,
  AgentOptions,
  AuthorizationOptions,
  ChainedOptions,
  FetchOptions,
  GrantUse,
  TokenOptions,
} from './agent.ts'
export type { AttestationResult } from './attestation/attestation-answers.ts'
export { type Enrolment, type EnrolOptions, enrol } from './attestation/enrol.ts'
export type { EnrolledAgent, EnrolledOptions } from './attestation/enrolled-options.ts'
export type { EvidenceRequest, EvidenceSource, EvidenceSources } from './attestation/evidence-source.ts'
export type {
  AttestationRequirement,
  Attestor,
  DryRun,
  EnrolmentRule,
  JoinToken,
  TriedCondition,
  TriedEvidence,
  TriedRule,
} from './attestation/policy-answers.ts'
export { Auth4Agent, type AuthenticateOptions, type Identity } from './auth4agent.ts'
export { authenticate } from './authenticate.ts'
export type { CallOptions } from './call-options.ts'
export type { CallerOptions } from './caller.ts'
export { createAgent } from './create-agent.ts'
export type {
  ActForUserOptions,
  AgentGrantCalls,
  DelegateOptions,
  ExchangeOptions,
  GrantCapabilities,
  GrantConstraint,
  GrantOptions,
  RootGrant,
  UserAuthority,
} from './delegation/agent-grant-calls.ts'
export type { HolderStatement } from './delegation/holder-statements.ts'
export type { AuthorizationHeaders } from './dpop.ts'
export { Auth4AgentError, type ClientReason } from './errors.ts'
export type { IssuedToken } from './issued-token.ts'
export type {
  AddedAgentKey,
  AddKeyOptions,
  AgentKeyCalls,
  AgentMove,
  DeactivateOptions,
  MoveOptions,
  RotateKeyOptions,
} from './key-events/agent-key-calls.ts'
export type {
  AppendedKeyEvent,
  EndedRecovery,
  KeyEventRecord,
  PendingKeyEvent,
  StartedRecovery,
} from './key-events/key-answers.ts'
export type { KeyLog } from './key-events/key-log.ts'
export { isKeyStore, type KeyStore, type StoredKeys } from './key-events/key-store.ts'
export { type NewIdentity, type NewIdentityOptions, newIdentity } from './key-events/new-identity.ts'
export type { RotatedKey } from './key-events/rotate-key.ts'
export type { KeyRotation } from './key-events/schedule-rotation.ts'
export { type RecoveryOptions, signRecovery } from './key-events/sign-recovery.ts'
export { generateP256KeyPair, signerFromP256KeyPair } from './keys/p256.ts'
export type { WebCryptoKeyPair } from './keys/platform.ts'
export { exportPrivateJwk, type PrivateJwk } from './keys/private-jwk.ts'
export {
  generateKey,
  generateWebCryptoKey,
  type KeyLike,
  type SeedSigner,
  signerFromCallback,
  signerFromKeyPair,
  signerFromSeed,
} from './keys/signers.ts'
export type { ClientAssertionOptions, Introspection } from './oauth-client.ts'
export {
  type ForeignTrust,
  type OnlineRequirements,
  type OnlineVerification,
  type OpenCalls,
  openCalls,
  type RequiredAttestation,
} from './open-calls.ts'
export { createOperator, type Operator, type OperatorOptions } from './operator.ts'
export type { AgentChanges, AgentFilter, NewAgent, OperatorAgents } from './operator-agents.ts'
export type {
  AgentRecord,
  AgentScopes,
  ApprovedAgent,
  AuditEvidence,
  AuditRecord,
  CompromisedKey,
  DomainConfirmation,
  DomainInstructions,
  EndedDeployment,
  EndedTokens,
  OperatorState,
  ReactivatedAgent,
  RegisteredAgent,
  RegisteredOperator,
  ReinstatedOperator,
  ReleasedOperator,
  RevokedAgent,
  RevokedToken,
  SentRequest,
  SetOperatorKeys,
  SignedRequestAnswer,
  SigningKeyState,
  SuspendedAgent,
  SuspendedOperator,
  WaitingKeyRequest,
} from './operator-answers.ts'
export type {
  NewAttestationRequirement,
  NewAttestor,
  NewEnrolmentRule,
  OperatorAttestation,
  TriedAttestation,
} from './operator-attestation.ts'
export type { AuditFilter, OperatorAudit } from './operator-audit.ts'
export type { OperatorClient, OperatorClients } from './operator-clients.ts'
export type { ConsentFilter, OperatorConsents, UserConnection, UserConsent } from './operator-consents.ts'
export { type KeyRequest, readKeyRequest, signKeyRequest, type WantedKey } from './operator-key-request.ts'
export type {
  Invitation,
  InvitedKey,
  KnownManifest,
  NewOperatorKeys,
  OperatorKeySet,
  OperatorKeys,
} from './operator-keys.ts'
export type { EndedMove, OperatorMoves, ReleasedAgent } from './operator-moves.ts'
export type { AudienceRule, OperatorPolicy, UserAccess, UserScope } from './operator-policy.ts'
export type { IdentityProvider, NewIdentityProvider, OperatorProviders, RequiredClaim } from './operator-providers.ts'
export { type ApprovalOptions, approveRequest, type OperatorRequest } from './operator-request.ts'
export type {
  EventDelivery,
  EventStream,
  EventStreamStatus,
  EventSubject,
  OperatorStreams,
  StreamTerms,
} from './operator-streams.ts'
export type { NewStatement, OperatorTrust, StatementTerms, TrustFilter, TrustSubject } from './operator-trust.ts'
export type { OperatorUsers, User, UserFilter } from './operator-users.ts'
export { finishPasskeyJws, type PasskeyContent, type StartedPasskeyJws, startPasskeyJws } from './passkey-jws.ts'
export type { Runtime } from './runtime.ts'
export type { ServerOptions } from './server.ts'
export type { AgentSigner, OperatorSigner, P256Signer, Signer } from './signer.ts'
export { jwkFromSpki } from './spki-jwk.ts'
export type { TokenTerms } from './terms.ts'
export { type Call, createTransport, type Transport, type TransportOptions } from './transport.ts'
export type { AdmissionIssuer, TrustAdmission, TrustAdmissions } from './trust-admissions.ts'
export type {
  TrustDismissalRecord,
  TrustPartyRecord,
  TrustProposalRecord,
  TrustStatementRecord,
} from './trust-answers.ts'
export type {
  ExportedTrustGraph,
  TrustCure,
  TrustExplanation,
  TrustGraphOptions,
  TrustLeg,
  TrustMissingEdge,
  TrustPathEdge,
  TrustQuestion,
  TrustQuestions,
  TrustViewLink,
  TrustViewOptions,
} from './trust-questions.ts'
export type { Verification, VerifyOptions } from './verify-by-jwks.ts'
