import { status as statuses } from '@grpc/grpc-js'

/** How one reason appears over HTTP and over gRPC. `error` is the text that version 1 clients print. */
interface Reason {
  readonly status: number
  readonly code: statuses
  readonly title: string
  readonly error?: string
}

/**
 * All reasons that this server can answer with, and for each its HTTP status (RFC 9457) and gRPC code.
 * A published reason is never renamed.
 */
export const reasons = {
  // Form of a request.
  INVALID_ARGUMENT: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The request is malformed' },
  UNKNOWN_FIELD: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request contains an unknown field',
  },
  INVALID_DOMAIN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The domain is malformed or cannot be proven',
  },
  INVALID_PUBLIC_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The public key is not a valid Ed25519 key',
  },
  INVALID_DID: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The DID is malformed' },
  DID_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DID does not match the public key and the domain',
  },
  INVALID_SCOPE: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The scope is malformed' },
  INVALID_AUDIENCE: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The audience is malformed' },
  INVALID_TTL: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The token lifetime is malformed or out of range',
  },
  INVALID_PAGE_TOKEN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The page token does not belong to this list',
  },
  BINDING_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'Scope, audience or ttl differ from those in the challenge',
  },
  BINDING_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'This agent needs a bound challenge, which contains scope, audience and ttl',
  },
  TOKEN_NOT_OURS: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The token was not issued by this server' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, code: statuses.INVALID_ARGUMENT, title: 'The content type is not supported' },
  UNSUPPORTED_COMPRESSION: { status: 415, code: statuses.UNIMPLEMENTED, title: 'The compression is not supported' },
  BODY_TOO_LARGE: { status: 413, code: statuses.RESOURCE_EXHAUSTED, title: 'The request is too large' },
  HEADERS_TOO_LARGE: { status: 431, code: statuses.RESOURCE_EXHAUSTED, title: 'The request headers are too large' },
  REQUEST_TIMEOUT: { status: 408, code: statuses.DEADLINE_EXCEEDED, title: 'The request did not arrive in time' },
  ROUTE_NOT_FOUND: { status: 404, code: statuses.UNIMPLEMENTED, title: 'The server does not have this path' },
  METHOD_NOT_ALLOWED: { status: 405, code: statuses.UNIMPLEMENTED, title: 'This path does not allow this method' },

  // Authentication of the caller.
  UNAUTHENTICATED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'This call requires an assertion' },
  INVALID_ASSERTION: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion is not valid' },
  ASSERTION_EXPIRED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion has expired' },
  ASSERTION_USED: { status: 401, code: statuses.UNAUTHENTICATED, title: 'The assertion has already been used' },
  INVALID_SIGNATURE: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The signature is not valid',
    error: 'invalid signature',
  },
  PERMISSION_DENIED: { status: 403, code: statuses.PERMISSION_DENIED, title: 'The caller is not allowed to do this' },

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
    title: 'The administrator has suspended the operator of this domain',
  },
  EPOCH_EXHAUSTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'An epoch or a version has reached its maximum of 2147483647',
  },
  OPERATOR_NOT_SUSPENDED: { status: 409, code: statuses.FAILED_PRECONDITION, title: 'The operator is not suspended' },
  DOMAIN_CONTESTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The domain has more than one proof for this server',
  },

  // Agents.
  AGENT_NOT_FOUND: { status: 404, code: statuses.NOT_FOUND, title: 'There is no such agent', error: 'agent not found' },
  AGENT_EXISTS: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The agent is already registered',
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
    title: 'This server did not issue the challenge',
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
    title: 'The challenge has already been redeemed',
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
    title: "The audience's operator does not allow agents of this domain",
    error: 'audience not allowed',
  },

  // Signing keys.
  INVALID_ALGORITHM: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'This server does not support the signing algorithm',
  },
  ALGORITHM_CONFLICT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The audiences require different signing algorithms, but a token has only one',
  },
  INVALID_SIGNING_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The text is not a private key that can sign tokens',
  },
  KEY_NOT_FOUND: { status: 404, code: statuses.NOT_FOUND, title: 'There is no such signing key' },
  KEY_EXISTS: { status: 409, code: statuses.ALREADY_EXISTS, title: 'The signing key already exists' },
  KEY_NOT_READY: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'No signing key has been published long enough to sign',
  },

  // The revocation log.
  RESYNC_REQUIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The log cannot be resumed from this position: start again without a position',
  },

  // Limits and faults.
  RATE_LIMITED: { status: 429, code: statuses.RESOURCE_EXHAUSTED, title: 'Too many requests' },
  OVERLOADED: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The server has reached its limit of concurrent requests',
  },
  UNAVAILABLE: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The server cannot answer this request now',
  },
  DEADLINE_EXCEEDED: { status: 504, code: statuses.DEADLINE_EXCEEDED, title: 'The request took too long' },
  INTERNAL: { status: 500, code: statuses.INTERNAL, title: 'The server failed' },
} as const satisfies Record<string, Reason>

/** A stable code of an error, the same on every transport. */
export type ReasonCode = keyof typeof reasons
