import type { Client } from '@connectrpc/connect'
import type {
  AgentDirectoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Db } from '../shared/db/db.ts'
import type { VerificationKeys } from '../shared/token/verification-keys.ts'
import type { TtlBounds } from './domain/token-request.ts'
import type { ChallengeKeyring } from './keys/challenge-keyring.ts'
import type { TokenSigner } from './keys/signing-keys.ts'
import type { Subjects } from './subjects.ts'

/** Times of the service. */
export interface AuthnSettings {
  readonly challengeTtlS: number
  readonly defaultTtlS: number
  readonly ttlS: TtlBounds
  readonly skewS: number
  /** How long a redeemed challenge is remembered after it, and its token, have expired. */
  readonly keepRedemptionS: number
  /** How long verifiers may keep the JWKS. */
  readonly jwksMaxAgeS: number
}

/** What the service works with. */
export interface AuthnDeps {
  readonly db: Db
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly subjects: Subjects
  readonly operators: Client<typeof OperatorDirectoryService>
  readonly tokenStatus: TokenStatus
  readonly challengeKeys: ChallengeKeyring
  readonly signer: TokenSigner
  readonly verificationKeys: VerificationKeys
}

/** What the composition root brings; the rest the service makes itself. */
export interface AuthnOptions {
  readonly db: Db
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly kek: Uint8Array
  readonly agents: Client<typeof AgentDirectoryService>
  readonly operators: Client<typeof OperatorDirectoryService>
  readonly tokenStatus: TokenStatus
  readonly verificationKeys: VerificationKeys
}
