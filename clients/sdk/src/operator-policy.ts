import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'

const policy = {
  audiences: 'any',
  require_bound_challenges: 'flag',
  require_body_digest: 'flag?',
  hide_allowed_scopes: 'flag?',
  delegate_to: 'texts?',
  max_grant_ttl: 'count?',
  etag: 'text?',
  users_to: 'texts?',
} as const satisfies Shape
const audienceRule = {
  audience: 'text',
  callers: 'texts',
  token_signing_alg: 'text?',
  dpop: 'text?',
  token_status: 'text?',
  users: 'any',
} as const satisfies Shape
const userAccess = {
  domains: 'texts',
  scopes: 'any',
  clients: 'text?',
  max_days: 'count?',
  device: 'flag?',
} as const satisfies Shape
const userScope = {
  name: 'text',
  words: 'text',
  groups: 'texts?',
  is_default: 'flag?',
} as const satisfies Shape
/** A scope to which a user can consent. The consent page shows `words`. Without `groups`, every user may consent. */
export interface UserScope {
  readonly name: string
  readonly words: string
  readonly groups?: readonly string[] | null | undefined
  /** Whether the scope is asked for when a client asks for none. */
  readonly is_default?: boolean | null | undefined
}
/** Which users may sign in for an audience, and to which scopes they can consent. */
export interface UserAccess {
  /** Domains of the operators whose users may sign in, or the single entry `*`. */
  readonly domains: readonly string[]
  readonly scopes: readonly UserScope[]
  /** `listed` for the clients that the operator has allowed, or `any` for every client that is no agent. */
  readonly clients?: string | null | undefined
  /** Longest time that a client may stay connected, in days, 1 to 90; 0 means 30. */
  readonly max_days?: number | null | undefined
  /** Whether clients on devices without a browser may ask for a user (RFC 8628). */
  readonly device?: boolean | null | undefined
}
/**
 * A rule for one of the operator's audiences: which callers may get tokens for it, which algorithm signs them,
 * whether they must be bound to a key, where their status is published, and which users may sign in for it.
 */
export interface AudienceRule {
  readonly audience: string
  readonly callers: readonly string[]
  readonly token_signing_alg?: string | null | undefined
  /**
   * Whether tokens must be bound to a key by DPoP (RFC 9449): empty for no, `required`, or `required-with-nonce` if
   * the proof must also contain a nonce of the server.
   */
  readonly dpop?: string | null | undefined
  /** Where offline verifiers look up whether a token has ended: empty for nowhere, or `status_list`. */
  readonly token_status?: string | null | undefined
  /** Which users may sign in for the audience; absent if none may. Older servers leave it out. */
  readonly users?: UserAccess | null | undefined
}
/** The operator's policy for its agents and audiences. */
export interface OperatorPolicy {
  readonly audiences: readonly AudienceRule[]
  readonly require_bound_challenges: boolean
  /** Whether every assertion for a change must contain the digest of the body. Older servers leave it out. */
  readonly require_body_digest?: boolean | null | undefined
  /** Whether the public answer about an agent leaves out its scopes. Older servers leave it out. */
  readonly hide_allowed_scopes?: boolean | null | undefined
  /**
   * Domains, besides the own one, whose agents may hold grants of the operator's agents. Older servers leave it out.
   */
  readonly delegate_to?: readonly string[] | null | undefined
  /** Longest lifetime of a grant in seconds, 60 to 3600; 0 means 3600. Older servers leave it out. */
  readonly max_grant_ttl?: number | null | undefined
  /**
   * Version of the policy. A change with it is refused with POLICY_CHANGED if the policy has changed since. Older
   * servers leave it out.
   */
  readonly etag?: string | null | undefined
  /** Domains of other operators to whose audiences the operator's users may go. Older servers leave it out. */
  readonly users_to?: readonly string[] | null | undefined
}

/** Checks an answer with a policy. Throws Auth4AgentError with UNEXPECTED_ANSWER. */
export function readPolicy(value: unknown): OperatorPolicy {
  const { audiences, ...flags } = readAnswer(policy, value)
  const { require_bound_challenges, require_body_digest, hide_allowed_scopes, delegate_to, max_grant_ttl, etag } = flags
  return {
    audiences: readAnswers(audienceRule, audiences).map(readRule),
    require_bound_challenges,
    // An older server has no such settings, and would refuse them in a policy that is sent back.
    ...(typeof require_body_digest === 'boolean' && { require_body_digest }),
    ...(typeof hide_allowed_scopes === 'boolean' && { hide_allowed_scopes }),
    ...(delegate_to && { delegate_to }),
    ...(typeof max_grant_ttl === 'number' && { max_grant_ttl }),
    ...(typeof etag === 'string' && { etag }),
    ...(flags.users_to && { users_to: flags.users_to }),
  }
}

function readRule({ users, ...rule }: Answer<typeof audienceRule>): AudienceRule {
  if (users === undefined || users === null) return rule
  const { scopes, ...access } = readAnswer(userAccess, users)
  return { ...rule, users: { ...access, scopes: readAnswers(userScope, scopes) } }
}
