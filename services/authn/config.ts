import type { GenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import type { GenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import type { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import type { GenuineTokens } from '@auth4agent/core/token/genuine-tokens'
import type pg from 'pg'
import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ChallengeKeyring, Keys, TokenSigner, VerificationKeys } from '../keys/index.ts'
import type { CheckUser, ClientKeyFinder, Devices, UserGrants } from '../people/index.ts'
import type { Db } from '../platform/db/db.ts'
import type { Durability } from '../platform/db/durability.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import type { FairShare } from '../platform/limits/fair-share.ts'
import type { Rate } from '../platform/limits/limits.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Places } from '../status-list/index.ts'
import type { Chaining, JudgeIdJag, VerifyForeign } from '../trust/index.ts'
import type { AudienceOwners } from './audience-owners.ts'
import type { OnCheck } from './authz/on-check.ts'
import type { TermDefaults, TtlBounds } from './domain/token-request.ts'
import type { KnownOwners } from './known-owners.ts'
import type { Redeemer } from './redeemer.ts'
import type { Subjects } from './subjects.ts'
import type { Timeline } from './timeline.ts'

/** Times of the authn part, in seconds. */
export interface AuthnSettings {
  readonly challengeTtlS: number
  readonly defaultTtlS: number
  readonly ttlS: TtlBounds
  readonly skewS: number
  /** How long the server keeps a redemption after the challenge and its token have expired. */
  readonly keepRedemptionS: number
  /** What a client assertion may name as its audience: the issuer alone, or also the URL of the token endpoint. */
  readonly assertionAudience: 'issuer' | 'issuer-or-endpoint'
}

type ReplayMemory = ReturnType<typeof createReplayMemory>

/** Dependencies of the handlers of AuthnService. */
export interface AuthnDeps {
  readonly db: Db
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly termDefaults: TermDefaults
  readonly subjects: Subjects
  /** Appraises evidence of agents. A call is never sent again, because its nonce can be used once. */
  readonly agents: Pick<InternalClient<typeof AgentDirectoryService>, 'attestAgent'>
  readonly redeem: Redeemer
  readonly durability: Pick<Durability, 'demand'>
  readonly timeline: Timeline
  readonly operators: AudienceOwners
  readonly owners: KnownOwners
  readonly tokenStatus: TokenStatus
  readonly challengeKeys: ChallengeKeyring
  readonly signer: TokenSigner
  readonly verificationKeys: VerificationKeys
  readonly genuineTokens: GenuineTokens
  readonly genuineChains: GenuineChains
  readonly genuineDelegated: GenuineDelegated
  /** Remembers the DPoP proofs that VerifyToken has accepted. */
  readonly replays: ReplayMemory
  /** Called when a client assertion named the token endpoint instead of the issuer. */
  readonly sawEndpointAudience: (did: string) => void
  /** Counts a check for a proxy, and logs why it could not be decided. */
  readonly onCheck: OnCheck
  readonly introspectionSigner: Keys['introspectionSigner']
  readonly grantSigner: Keys['grantSigner']
  readonly statementSigner: Keys['statementSigner']
  readonly nonceSigner: Keys['nonceSigner']
  readonly chainingSigners: Keys['chainingSigners']
  readonly verifyForeign: VerifyForeign
  readonly chaining: Chaining
  readonly judgeIdJag: JudgeIdJag
  readonly userGrants: UserGrants
  /** Asks the identity provider of a user whether it still vouches for the user. */
  readonly checkUser: CheckUser
  /** The requests of devices without a browser. */
  readonly devices: Devices
  /** Finds the keys with which URL clients prove themselves. */
  readonly clientKeys: ClientKeyFinder
  /** Runs a statement for a user when it is the turn of the user's operator. */
  readonly userTurns: FairShare
  /** Gives places in status lists to tokens. */
  readonly statusPlaces: Places
  /** Counts a token for an operator of another deployment. Throws ApiError RATE_LIMITED. */
  readonly limitChained: (operator: string) => void
  /** Counts a token or grant for an agent of an operator. Throws RATE_LIMITED if all its agents have got too many. */
  readonly limitFleet: (operator: string) => void
}

/** Options of createAuthn. */
export interface AuthnOptions {
  readonly db: Db
  /** Connections used only for redemptions. */
  readonly redeemPool: pg.Pool
  readonly durability: Pick<Durability, 'demand'>
  readonly timeline: Timeline
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly issuer: string
  readonly settings: AuthnSettings
  readonly agents: InternalClient<typeof AgentDirectoryService>
  readonly operators: AudienceOwners
  readonly tokenStatus: TokenStatus
  readonly verificationKeys: VerificationKeys
  /** Gives a time that has certainly passed. Redemptions kept until before this time may be removed. */
  readonly passedTime: PassedTime
  /** Signs tokens, answers of introspection, grants and statements about holders, and seals challenges. */
  readonly keys: Pick<
    Keys,
    | 'signer'
    | 'challengeKeys'
    | 'introspectionSigner'
    | 'grantSigner'
    | 'statementSigner'
    | 'nonceSigner'
    | 'chainingSigners'
  >
  readonly sawEndpointAudience: (did: string) => void
  /** Counts a check for a proxy, and logs why it could not be decided. */
  readonly onCheck: OnCheck
  /** Verifies tokens of foreign issuers. */
  readonly verifyForeign: VerifyForeign
  /** Decides about grants for other deployments, and of other deployments. */
  readonly chaining: Chaining
  /** Judges ID-JAGs of identity providers. */
  readonly judgeIdJag: JudgeIdJag
  /** Reads and writes what clients get to act for users. */
  readonly userGrants: UserGrants
  /** Asks the identity provider of a user whether it still vouches for the user. */
  readonly checkUser: CheckUser
  /** The requests of devices without a browser. */
  readonly devices: Devices
  /** Finds the keys with which URL clients prove themselves. */
  readonly clientKeys: ClientKeyFinder
  /** Gives places in status lists to tokens. */
  readonly statusPlaces: Places
  /** How many tokens one operator of another deployment may get from this process. */
  readonly chainedRate: Rate
  /** How many tokens and grants all agents of one operator may get from this process. */
  readonly fleetRate: Rate
}
