/** The assertion of a call. A change records in its own transaction that the assertion was used. */
export interface UsedAssertion {
  readonly jti: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** The key that signed a call. */
export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** Label in the operator's manifest. Empty without a manifest, and for the administrator's key. */
  readonly label: string
  /** Whether it is a root key of the operator. */
  readonly isRoot: boolean
}

/** The body of a request, which signatures of the caller may cover. */
export interface RequestBody {
  /**
   * Returns the body as sent over REST, or the bytes of the message over gRPC and Connect, without compression. May be
   * called only after the request was read.
   */
  bytes(): Uint8Array
  /** Returns the SHA-256 of the bytes, base64url without padding. Computes it at the first call. */
  digest(): string
}

/** A call as its caller signed it. The audit keeps it for each change. */
export interface SignedCall {
  /** The name of the call, as in the claim `rpc` of assertions. */
  readonly rpc: string
  /** The assertion and the approvals; or signature base, Signature-Input and Signature, then the approvals. */
  readonly signatures: readonly string[]
  /** Undefined if a gateway of an older version has forwarded the call without its body. */
  readonly body: RequestBody | undefined
  /** Whether the body contains a secret, so that only its digest may be kept. */
  readonly isBodySecret: boolean
}

/** The caller, as the pipeline has authenticated it. A caller without an assertion is `anonymous`. */
export type Principal = { readonly kind: 'anonymous' } | OperatorPrincipal | AdminPrincipal | AgentPrincipal

/**
 * Who makes a change: the caller, the server itself, or an agent, client, user or identity provider that has proved
 * itself without the pipeline.
 */
export type Actor =
  | Principal
  | { readonly kind: 'system' }
  | { readonly kind: 'agent'; readonly did: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'user'; readonly subject: string }
  | { readonly kind: 'provider'; readonly id: string }

/** The facts about a caller that has signed its call. */
interface Signatory {
  readonly assertion: UsedAssertion
  readonly key: SigningKey
  readonly signed: SignedCall
}

/** A root key's approval of a call. A change records in its own transaction that the approval was used. */
export interface UsedApproval extends UsedAssertion {
  /** Thumbprint of the root key. */
  readonly kid: string
}

/** The agreement of an operator's root keys to a call. */
interface RootAuthority {
  /** Number of the manifest whose threshold is met; 0 without a manifest. */
  readonly manifestSeq: number
  /** The approvals, in addition to the assertion of the call. */
  readonly approvals: readonly UsedApproval[]
}

/** An operator. */
export interface OperatorPrincipal extends Signatory {
  readonly kind: 'operator'
  readonly operatorId: string
  /** `roles` of an operational key. A root key has all roles, and its list is empty. */
  readonly key: SigningKey & { readonly roles: readonly string[] }
  /** Present for root operations: enough root keys agree. */
  readonly root?: RootAuthority
}

/** An agent with an access token. It makes the call for its operator. */
export interface AgentPrincipal {
  readonly kind: 'agent'
  readonly did: string
  readonly operatorId: string
}

/** The administrator. */
export interface AdminPrincipal extends Signatory {
  readonly kind: 'admin'
}
