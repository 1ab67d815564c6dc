import type { GenuineTokens } from '@auth4agent/core/genuine-tokens'
import type pg from 'pg'
import type {
  AgentDirectoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Db } from '../shared/db/db.ts'
import type { Logger } from '../shared/log/log.ts'
import type { InternalClient } from '../shared/rpc/internal-client.ts'
import type { VerificationKeys } from '../shared/token/verification-keys.ts'
import type { TermDefaults, TtlBounds } from './domain/token-request.ts'
import type { ChallengeKeyring } from './keys/challenge-keyring.ts'
import type { KeyVault } from './keys/key-vault.ts'
import type { Pkcs11Options } from './keys/pkcs11/pkcs11-provider.ts'
import type { SealedKeys } from './keys/sealed-keys.ts'
import type { SigningKeys } from './keys/signing-keys.ts'
import type { TokenSigner } from './keys/token-signer.ts'
import type { Redeemer } from './redeemer.ts'
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
  /** For how long a key is published before it signs. */
  readonly publishS: number
  /** For how long a key signs. */
  readonly rotateAfterS: number
}

/** The secrets of the service. */
export interface AuthnSecrets {
  /** Key-encryption key, 32 bytes. */
  readonly kek: Uint8Array
  /** Key-encryption keys that open what was sealed before, or will be. */
  readonly otherKeks: readonly Uint8Array[]
  /** A private key, PEM or JWK, that becomes the first of its algorithm. */
  readonly signingKey: string | undefined
  /** The token that new signing keys are made in; in the database where there is none. */
  readonly pkcs11: Pkcs11Options | undefined
}

/** What the service works with. */
export interface AuthnDeps {
  readonly db: Db
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly termDefaults: TermDefaults
  readonly subjects: Subjects
  readonly redeem: Redeemer
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  readonly tokenStatus: TokenStatus
  readonly challengeKeys: ChallengeKeyring
  readonly signer: TokenSigner
  readonly signingKeys: SigningKeys
  readonly vault: KeyVault
  readonly sealedKeys: SealedKeys
  readonly verificationKeys: VerificationKeys
  readonly genuineTokens: GenuineTokens
}

/** What the composition root brings; the rest the service makes itself. */
export interface AuthnOptions {
  readonly db: Db
  /** For redemptions alone. */
  readonly redeemPool: pg.Pool
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly secrets: AuthnSecrets
  readonly log: Logger
  readonly agents: InternalClient<typeof AgentDirectoryService>
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  readonly tokenStatus: TokenStatus
  readonly verificationKeys: VerificationKeys
}
