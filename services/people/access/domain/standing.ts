import type { Prisma } from '../../../../gen/prisma/client.ts'

/** A client that is an agent, with the operator that owns the domain of its DID. */
export interface StandingAgent {
  readonly id: string
  /** Every change of the agent or of its keys raises this number. */
  readonly version: number
  readonly status: string
  readonly movedTo: string | null
  readonly redirectUris: readonly string[]
  readonly operatorId: string
  readonly operatorVersion: number
  readonly operatorStatus: string
}

/**
 * Everything on which a token for a user rests, at one moment. Null stands for what is not there, an edge included.
 */
export interface Standing {
  /** The same text means the same decision. */
  readonly mark: string
  /** The user, its operator, and the identity provider that vouches for it. */
  readonly operatorStatus: string | null
  readonly userDomain: string | null
  readonly userStatus: string | null
  readonly groups: readonly string[] | null
  readonly providerEdge: string | null
  readonly providerIssuer: string | null
  /** How the provider tells that it has ended a user. */
  readonly signals: string | null
  readonly onLogout: string | null
  /** Whether the provider must be asked again before the user may get a token. */
  readonly isCheckDue: boolean
  /** The operator that owns the audience, and what it says about users there. */
  readonly ownerId: string | null
  readonly ownerDomain: string | null
  readonly ownerStatus: string | null
  readonly rule: Prisma.JsonValue
  readonly alg: string | null
  readonly dpop: string | null
  readonly tokenStatus: string | null
  readonly accessEdge: string | null
  /** What lets the users of the operator go to another owner. */
  readonly targetEdge: string | null
  /** What the owner says about the client. */
  readonly clientEdge: string | null
  readonly clientStatus: string | null
  /** What the user lets the client do there. */
  readonly consentId: string | null
  readonly consentEdge: string | null
  readonly capabilities: readonly string[] | null
  readonly clientDigest: string | null
  /** The issuer of the provider, if the administrator has admitted or disabled it as an issuer. */
  readonly generation: number | null
  readonly issuerStatus: string | null
  /** Null for a client that is no agent, and for a DID that nobody has. */
  readonly agent: StandingAgent | null
}
