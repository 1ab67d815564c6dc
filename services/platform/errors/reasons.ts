import { status as statuses } from '@grpc/grpc-js'

/** How one reason appears on each wire. `error` is the text that version 1 clients print. */
interface Reason {
  readonly status: number
  readonly code: statuses
  readonly title: string
  readonly error?: string
}

/**
 * The one list of reasons that leave this server, with their REST status (RFC 9457) and gRPC code.
 * A reason, once published, is never renamed.
 */
export const reasons = {
  // The form of a request.
  INVALID_ARGUMENT: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The request is malformed' },
  UNKNOWN_FIELD: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request holds a field that this server does not know',
  },
  INVALID_DOMAIN: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The domain is not one that can be proven' },
  INVALID_PUBLIC_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The public key is not an acceptable Ed25519 key',
  },
  INVALID_DID: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The DID is malformed' },
  DID_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DID is not the one that key and domain give',
  },
  INVALID_SCOPE: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The scope is malformed' },
  INVALID_AUDIENCE: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The audience is malformed' },
  INVALID_TTL: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The token lifetime is malformed or out of bounds',
  },
  INVALID_PAGE_TOKEN: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The page token is not one of this list' },
  BINDING_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'Scope, audience or ttl differ from what the challenge was made for',
  },
  BINDING_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'This agent needs a challenge that is bound to scope, audience and ttl',
  },
  TOKEN_NOT_OURS: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The token was not issued by this server' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, code: statuses.INVALID_ARGUMENT, title: 'The content type is not supported' },
  UNSUPPORTED_COMPRESSION: { status: 415, code: statuses.UNIMPLEMENTED, title: 'The compression is not supported' },
  BODY_TOO_LARGE: { status: 413, code: statuses.RESOURCE_EXHAUSTED, title: 'The request is too large' },
  HEADERS_TOO_LARGE: { status: 431, code: statuses.RESOURCE_EXHAUSTED, title: 'The request headers are too large' },
  REQUEST_TIMEOUT: { status: 408, code: statuses.DEADLINE_EXCEEDED, title: 'The request did not arrive in time' },
  ROUTE_NOT_FOUND: { status: 404, code: statuses.UNIMPLEMENTED, title: 'There is nothing at this path' },
  METHOD_NOT_ALLOWED: { status: 405, code: statuses.UNIMPLEMENTED, title: 'The path does not take this method' },

  // Who is asking.
  UNAUTHENTICATED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'This call needs an assertion' },
  INVALID_ASSERTION: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion is not valid' },
  ASSERTION_EXPIRED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion has expired' },
  ASSERTION_USED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion has been used already' },
  INVALID_SIGNATURE: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The signature does not verify',
    error: 'invalid signature',
  },
  PERMISSION_DENIED: { status: 403, code: statuses.PERMISSION_DENIED, title: 'The caller may not do this' },

  // Operators.
  OPERATOR_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such operator',
    error: 'operator not found',
  },
  OPERATOR_NOT_ACTIVE: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator is not active',
    error: 'operator is not active',
  },
  OPERATOR_RELEASED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has released its domain for good',
  },
  OPERATOR_SUSPENDED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator of this domain is suspended by the administrator',
  },
  EPOCH_EXHAUSTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'An epoch or a version stands at 2147483647 and cannot rise any more',
  },
  OPERATOR_NOT_SUSPENDED: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The operator is not suspended' },
  DOMAIN_CONTESTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'More than one proof of this server stands at the domain',
  },

  // Agents.
  AGENT_NOT_FOUND: { status: 404, code: statuses.NOT_FOUND, title: 'There is no such agent', error: 'agent not found' },
  AGENT_EXISTS: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The agent is registered already',
    error: 'agent already exists',
  },
  AGENT_NOT_ACTIVE: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The agent is not active',
    error: 'agent is not active',
  },
  AGENT_OPERATOR_NOT_ACTIVE: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The agent's operator is not active",
    error: 'agent is not active',
  },
  AGENT_REVOKED: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The agent is revoked for good' },
  AGENT_NOT_PENDING: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The agent is not pending' },
  AGENT_NOT_SUSPENDED: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The agent is not suspended' },
  AGENT_PENDING: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The agent has not been approved yet' },

  // Challenges and tokens.
  CHALLENGE_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The challenge is not one of this server',
    error: 'challenge not found',
  },
  CHALLENGE_EXPIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The challenge has expired',
    error: 'challenge expired',
  },
  CHALLENGE_USED: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The challenge has been redeemed already',
    error: 'challenge already used',
  },
  SCOPE_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The scope is not within the agent's grant",
    error: 'scope not allowed',
  },
  AUDIENCE_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The audience's owner has not listed the agent's domain",
    error: 'audience not allowed',
  },

  // Signing keys.
  INVALID_ALGORITHM: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The signing algorithm is not one of this server',
  },
  ALGORITHM_CONFLICT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The audiences want different signing algorithms, and a token has one',
  },
  INVALID_SIGNING_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The text is not a private key that can sign tokens',
  },
  KEY_NOT_FOUND: { status: 404, code: statuses.NOT_FOUND, title: 'There is no such signing key' },
  KEY_EXISTS: { status: 409, code: statuses.ALREADY_EXISTS, title: 'The signing key is known already' },
  KEY_NOT_READY: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'No key has been published for long enough to sign',
  },

  // The revocation log.
  RESYNC_REQUIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The log cannot be resumed from this position: begin again without one',
  },

  // Limits and faults.
  RATE_LIMITED: { status: 429, code: statuses.RESOURCE_EXHAUSTED, title: 'Too many requests' },
  OVERLOADED: { status: 503, code: statuses.UNAVAILABLE, title: 'The server is at its limit of concurrent requests' },
  UNAVAILABLE: { status: 503, code: statuses.UNAVAILABLE, title: 'The server cannot reach what it needs to answer' },
  DEADLINE_EXCEEDED: { status: 504, code: statuses.DEADLINE_EXCEEDED, title: 'The request took too long' },
  INTERNAL: { status: 500, code: statuses.INTERNAL, title: 'The server failed' },
} as const satisfies Record<string, Reason>

/** A stable code of a refusal or a fault, the same on every transport. */
export type ReasonCode = keyof typeof reasons
