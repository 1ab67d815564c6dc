import { status as statuses } from '@grpc/grpc-js'

/**
 * Error codes of the OAuth endpoints: RFC 6749 sections 5.2 and 4.1.2.1, RFC 8707 section 2, RFC 9449 sections 5 and
 * 8, RFC 9396 section 5, RFC 7591 section 3.2.2. And of the federation endpoints: OpenID Federation 1.0 section 8.9.
 */
type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'invalid_authorization_details'
  | 'access_denied'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'not_found'
  | 'invalid_trust_anchor'
  | 'temporarily_unavailable'
  | 'server_error'

/**
 * How one reason appears over HTTP, over gRPC, and in an error of an OAuth endpoint. `error` is the text that version
 * 1 clients print.
 */
interface Reason {
  readonly status: number
  readonly code: statuses
  readonly title: string
  readonly error?: string
  readonly oauth: OAuthError
}

/**
 * All reasons that this server can answer with, and for each its HTTP status (RFC 9457), gRPC code and OAuth error.
 * A published reason is never renamed.
 */
export const reasons = {
  // Form of a request.
  INVALID_ARGUMENT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request is malformed',
    oauth: 'invalid_request',
  },
  UNKNOWN_FIELD: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request contains an unknown field',
    oauth: 'invalid_request',
  },
  INVALID_DOMAIN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The domain is malformed or cannot be proven',
    oauth: 'invalid_request',
  },
  INVALID_PUBLIC_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The public key is not a valid Ed25519 key',
    oauth: 'invalid_request',
  },
  INVALID_DID: { status: 400, code: statuses.INVALID_ARGUMENT, title: 'The DID is malformed', oauth: 'invalid_client' },
  DID_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DID does not match the public key and the domain',
    oauth: 'invalid_request',
  },
  INVALID_SCOPE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The scope is malformed',
    oauth: 'invalid_scope',
  },
  INVALID_AUDIENCE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The audience is malformed',
    oauth: 'invalid_target',
  },
  INVALID_TTL: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The token lifetime is malformed or out of range',
    oauth: 'invalid_request',
  },
  INVALID_PAGE_TOKEN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The page token does not belong to this list',
    oauth: 'invalid_request',
  },
  BINDING_MISMATCH: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request differs from what the challenge is bound to',
    oauth: 'invalid_request',
  },
  BINDING_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'This agent needs a bound challenge, which contains all terms of the token or grant',
    oauth: 'invalid_request',
  },
  TOKEN_NOT_OURS: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The token was not issued by this server',
    oauth: 'invalid_request',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    code: statuses.INVALID_ARGUMENT,
    title: 'The content type is not supported',
    oauth: 'invalid_request',
  },
  UNSUPPORTED_COMPRESSION: {
    status: 415,
    code: statuses.UNIMPLEMENTED,
    title: 'The compression is not supported',
    oauth: 'invalid_request',
  },
  BODY_TOO_LARGE: {
    status: 413,
    code: statuses.RESOURCE_EXHAUSTED,
    title: 'The request is too large',
    oauth: 'invalid_request',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    code: statuses.RESOURCE_EXHAUSTED,
    title: 'The request headers are too large',
    oauth: 'invalid_request',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    code: statuses.DEADLINE_EXCEEDED,
    title: 'The request did not arrive in time',
    oauth: 'invalid_request',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    code: statuses.UNIMPLEMENTED,
    title: 'The server does not have this path',
    oauth: 'invalid_request',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    code: statuses.UNIMPLEMENTED,
    title: 'This path does not allow this method',
    oauth: 'invalid_request',
  },

  // Authentication of the caller.
  UNAUTHENTICATED: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'This call requires an assertion',
    oauth: 'invalid_client',
  },
  INVALID_ASSERTION: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The assertion is not valid',
    oauth: 'invalid_client',
  },
  ASSERTION_EXPIRED: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The assertion has expired',
    oauth: 'invalid_client',
  },
  INVALID_ACCESS_TOKEN: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The access token is not valid for this call',
    oauth: 'invalid_client',
  },
  INSUFFICIENT_SCOPE: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The access token does not have the scope for this call',
    oauth: 'invalid_scope',
  },
  ASSERTION_USED: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The assertion has already been used',
    oauth: 'invalid_client',
  },
  INVALID_SIGNATURE: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The signature is not valid',
    error: 'invalid signature',
    oauth: 'invalid_client',
  },
  PERMISSION_DENIED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The caller is not allowed to do this',
    oauth: 'unauthorized_client',
  },

  UNSUPPORTED_CLIENT_AUTHENTICATION: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The client must authenticate with a client assertion (private_key_jwt) and nothing else',
    oauth: 'invalid_client',
  },
  BODY_DIGEST_REQUIRED: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The assertion must contain the digest of the request body',
    oauth: 'invalid_client',
  },
  BODY_DIGEST_MISMATCH: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The assertion is for another request body',
    oauth: 'invalid_client',
  },
  INVALID_REQUEST_SIGNATURE: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The HTTP message signature is not valid for this request',
    oauth: 'invalid_client',
  },
  INVALID_APPROVAL: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'An approval is malformed, expired, or not by a root key',
    oauth: 'invalid_client',
  },

  // Operators.
  OPERATOR_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such operator',
    error: 'operator not found',
    oauth: 'invalid_request',
  },
  OPERATOR_NOT_ACTIVE: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator is not active',
    error: 'operator is not active',
    oauth: 'invalid_request',
  },
  OPERATOR_RELEASED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has released its domain for good',
    oauth: 'invalid_request',
  },
  OPERATOR_SUSPENDED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The administrator has suspended the operator of this domain',
    oauth: 'invalid_request',
  },
  EPOCH_EXHAUSTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'An epoch or a version has reached its maximum of 2147483647',
    oauth: 'invalid_request',
  },
  OPERATOR_NOT_SUSPENDED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator is not suspended',
    oauth: 'invalid_request',
  },
  DOMAIN_CONTESTED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The domain has more than one proof for this server',
    oauth: 'invalid_request',
  },
  OPERATOR_FROZEN: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The DNS record names a key that is no root key of the operator',
    oauth: 'invalid_request',
  },
  INVALID_MANIFEST: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The manifest of keys is malformed or not signed by a root key',
    oauth: 'invalid_request',
  },
  MANIFEST_CONFLICT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The manifest does not follow the manifest in force',
    oauth: 'invalid_request',
  },
  INVALID_INVITATION: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The invitation is malformed, expired, used, or not by a root key',
    oauth: 'invalid_request',
  },
  INVALID_KEY_REQUEST: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request for a key is malformed or does not answer the invitation',
    oauth: 'invalid_request',
  },
  POLICY_CHANGED: {
    status: 409,
    code: statuses.ABORTED,
    title: 'The policy has changed since its etag was read',
    oauth: 'invalid_request',
  },
  ROOT_RECORD_MISMATCH: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The DNS record names none of the new root keys',
    oauth: 'invalid_request',
  },
  ROLE_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The key that signed does not have the role for this call',
    oauth: 'invalid_request',
  },
  APPROVALS_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'Too few root keys have approved this request',
    oauth: 'invalid_request',
  },
  AUDIT_RECORD_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such audit record',
    oauth: 'invalid_request',
  },

  // Agents.
  AGENT_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such agent',
    error: 'agent not found',
    oauth: 'invalid_client',
  },
  AGENT_EXISTS: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The agent is already registered',
    error: 'agent already exists',
    oauth: 'invalid_request',
  },
  AGENT_NOT_ACTIVE: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The agent is not active',
    error: 'agent is not active',
    oauth: 'unauthorized_client',
  },
  AGENT_OPERATOR_NOT_ACTIVE: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The agent's operator is not active",
    error: 'agent is not active',
    oauth: 'unauthorized_client',
  },
  AGENT_REVOKED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent is revoked for good',
    oauth: 'invalid_request',
  },
  AGENT_NOT_PENDING: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent is not pending',
    oauth: 'invalid_request',
  },
  AGENT_NOT_SUSPENDED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent is not suspended',
    oauth: 'invalid_request',
  },
  AGENT_PENDING: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent has not been approved yet',
    oauth: 'invalid_request',
  },
  INVALID_KEY_EVENT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The key event is malformed or not signed as its type demands',
    oauth: 'invalid_request',
  },
  INVALID_STATEMENT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The signed statement is malformed or does not fit',
    oauth: 'invalid_request',
  },
  STATEMENT_CONFLICT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The trust statement does not follow the one before it',
    oauth: 'invalid_request',
  },
  STATEMENT_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has signed no such trust statement',
    oauth: 'invalid_request',
  },
  STATEMENT_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has the largest number of trust statements',
    oauth: 'invalid_request',
  },
  PROPOSAL_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The largest number of proposals waits for the operator',
    oauth: 'invalid_request',
  },
  PROPOSAL_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'No such proposal waits for the operator',
    oauth: 'invalid_request',
  },
  PROPOSAL_DISMISSED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has dismissed a proposal of the proposer',
    oauth: 'invalid_request',
  },
  STREAM_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no such stream of security events',
    oauth: 'invalid_request',
  },
  STREAM_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'There is the largest number of streams of security events',
    oauth: 'invalid_request',
  },
  SUBJECT_NOT_RECOGNIZED: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'This server sends no events about subjects of this format or issuer',
    oauth: 'invalid_request',
  },
  SUBJECT_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The stream remembers the largest number of subjects',
    oauth: 'invalid_request',
  },
  INVALID_BUNDLE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The bundle of the agent is malformed or cannot be verified',
    oauth: 'invalid_request',
  },
  KEY_EVENT_CONFLICT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The key event does not follow the last event of the log',
    oauth: 'invalid_request',
  },
  KEY_EVENT_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The log of key events is full',
    oauth: 'invalid_request',
  },
  KEY_NOT_COMMITTED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The key is not the one to which the agent committed',
    oauth: 'invalid_request',
  },
  KEY_REUSED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The key is or was already a key of the agent',
    oauth: 'invalid_request',
  },
  ADDED_KEY_LIMIT: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent has the largest number of added keys',
    oauth: 'invalid_request',
  },
  ADDED_KEY_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The agent has no such added key',
    oauth: 'invalid_request',
  },
  RECOVERY_PENDING: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'Another recovery of the agent waits',
    oauth: 'invalid_request',
  },
  NOTHING_PENDING: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'No such recovery or move of the agent waits',
    oauth: 'invalid_request',
  },
  MOVE_NOT_RELEASED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has not released the agent yet',
    oauth: 'invalid_request',
  },
  AGENT_MOVED: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The agent has moved to another DID',
    oauth: 'invalid_request',
  },

  // Challenges and tokens.
  INVALID_VIEW: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The link was changed, or is not complete',
    oauth: 'invalid_request',
  },
  VIEW_EXPIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The link has expired',
    oauth: 'invalid_request',
  },
  CHALLENGE_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'This server did not issue the challenge',
    error: 'challenge not found',
    oauth: 'invalid_request',
  },
  CHALLENGE_EXPIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The challenge has expired',
    error: 'challenge expired',
    oauth: 'invalid_request',
  },
  CHALLENGE_USED: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The challenge has already been redeemed',
    error: 'challenge already used',
    oauth: 'invalid_request',
  },
  SCOPE_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The scope is not within the agent's grant",
    error: 'scope not allowed',
    oauth: 'invalid_scope',
  },
  AUDIENCE_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: "The audience's operator does not allow agents of this domain",
    error: 'audience not allowed',
    oauth: 'invalid_target',
  },

  UNSUPPORTED_GRANT_TYPE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The grant type is not supported',
    oauth: 'unsupported_grant_type',
  },
  UNSUPPORTED_AUTHORIZATION_DETAILS: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The request must not have authorization details',
    oauth: 'invalid_authorization_details',
  },

  // Grants.
  DELEGATION_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The operator has not allowed the agent to delegate like this',
    oauth: 'unauthorized_client',
  },
  MALFORMED_GRANT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The grant or its authorization details are malformed',
    oauth: 'invalid_authorization_details',
  },
  UNKNOWN_DETAIL_TYPE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The authorization details must be exactly one entry of the type for grants',
    oauth: 'invalid_authorization_details',
  },
  UNKNOWN_CONSTRAINT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'A constraint has an unknown type',
    oauth: 'invalid_authorization_details',
  },
  MALFORMED_CONSTRAINT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'A constraint is malformed',
    oauth: 'invalid_authorization_details',
  },

  // Exchange of tokens (RFC 8693).
  INVALID_SUBJECT_TOKEN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The subject token or the actor token is not genuine',
    oauth: 'invalid_request',
  },
  EXCHANGE_THE_CHAIN: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'A token in which an agent acts for another cannot be exchanged again',
    oauth: 'invalid_request',
  },
  ACTOR_NOT_HOLDER: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The client is not the holder of the last grant',
    oauth: 'invalid_request',
  },
  ACTOR_NOT_AUTHORIZED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The subject token does not name the client as the agent that may act',
    oauth: 'invalid_request',
  },
  IMPERSONATION_REFUSED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The actor token is not a token of the client',
    oauth: 'invalid_request',
  },
  GRANT_EXPIRED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'A grant of the chain has expired',
    oauth: 'invalid_request',
  },
  GRANT_NOT_YET_VALID: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'A grant or a holder statement was issued in the future',
    oauth: 'invalid_request',
  },
  TOKEN_EXPIRED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token has expired',
    oauth: 'invalid_request',
  },
  TOKEN_NOT_YET_VALID: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token is not valid yet',
    oauth: 'invalid_request',
  },
  UNKNOWN_KEY: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The issuer does not publish the key of the token or grant, or has ended it',
    oauth: 'invalid_request',
  },
  TOKEN_REVOKED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token or a grant of the chain has been revoked',
    oauth: 'invalid_request',
  },
  AGENT_TOKENS_ENDED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token or a grant was ended together with all others of its agent',
    oauth: 'invalid_request',
  },
  OPERATOR_TOKENS_ENDED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token or a grant was ended together with all others of its operator',
    oauth: 'invalid_request',
  },
  TRUST_ENDED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The token was ended together with the trust that had allowed it',
    oauth: 'invalid_request',
  },
  GRANT_NOT_ACCEPTED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The grant of another issuer is not valid here',
    oauth: 'invalid_grant',
  },
  GRANT_USED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The grant of another issuer has been used before',
    oauth: 'invalid_grant',
  },
  CLIENT_MISMATCH: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The client is not the client of the grant',
    oauth: 'invalid_client',
  },
  TRUST_NOT_FOUND: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'No statement of trust lets agents of this operator call the audience',
    oauth: 'unauthorized_client',
  },
  CAPABILITY_ADDED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The subject token does not have the capability',
    oauth: 'invalid_authorization_details',
  },
  ARGUMENT_ADDED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The subject token does not allow the argument',
    oauth: 'invalid_authorization_details',
  },
  CONSTRAINT_DROPPED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The subject token requires an argument that is left out or optional',
    oauth: 'invalid_authorization_details',
  },
  CONSTRAINT_WIDENED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'A constraint is not known to be as narrow as that of the subject token',
    oauth: 'invalid_authorization_details',
  },

  // DPoP proofs (RFC 9449).
  INVALID_DPOP_PROOF: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DPoP proof is not valid for this request',
    oauth: 'invalid_dpop_proof',
  },
  DPOP_PROOF_USED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DPoP proof has already been used',
    oauth: 'invalid_dpop_proof',
  },
  DPOP_PROOF_REQUIRED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The audience accepts only tokens that are bound to a key, so the request needs a DPoP proof',
    oauth: 'invalid_dpop_proof',
  },
  DPOP_NONCE_REQUIRED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The DPoP proof must contain the nonce that this answer carries',
    oauth: 'use_dpop_nonce',
  },

  // Signing keys.
  INVALID_ALGORITHM: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'This server does not support the signing algorithm',
    oauth: 'invalid_request',
  },
  ALGORITHM_CONFLICT: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The audiences require different signing algorithms, but a token has only one',
    oauth: 'invalid_target',
  },
  INVALID_SIGNING_KEY: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The text is not a private key that can be used here',
    oauth: 'invalid_request',
  },
  KEY_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such signing key',
    oauth: 'invalid_request',
  },
  KEY_EXISTS: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The signing key already exists',
    oauth: 'invalid_request',
  },
  KEY_NOT_READY: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'No signing key has been published long enough to sign',
    oauth: 'invalid_request',
  },

  // The database of the deployment.
  OLD_PROCESSES: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'A process of an older version still uses the database',
    oauth: 'invalid_request',
  },

  // Foreign issuers.
  INVALID_ISSUER: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The issuer is malformed or cannot be admitted',
    oauth: 'invalid_request',
  },
  ISSUER_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such issuer',
    oauth: 'invalid_request',
  },
  ISSUER_EXISTS: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The issuer has been admitted already',
    oauth: 'invalid_request',
  },
  TOO_MANY_ISSUERS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The deployment has as many issuers as it may have',
    oauth: 'invalid_request',
  },
  SUBJECT_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The issuer has no such rule about a subject',
    oauth: 'invalid_request',
  },
  INVALID_ATTESTOR: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The configuration of the attestor is malformed',
    oauth: 'invalid_request',
  },
  INVALID_RULE: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The rule or requirement is malformed',
    oauth: 'invalid_request',
  },
  ATTESTOR_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no such attestor',
    oauth: 'invalid_request',
  },
  RULE_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no such rule or requirement',
    oauth: 'invalid_request',
  },
  JOIN_TOKEN_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The attestor has no such join token',
    oauth: 'invalid_request',
  },
  TOO_MANY_RULES: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has as many attestors, rules, requirements or join tokens as it may have',
    oauth: 'invalid_request',
  },
  NONCE_NOT_ACCEPTED: {
    status: 401,
    code: statuses.UNAUTHENTICATED,
    title: 'The nonce was not made for this key, purpose and operator, or it has expired',
    oauth: 'invalid_grant',
  },
  EVIDENCE_REFUSED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The evidence does not prove what the attestor demands',
    oauth: 'invalid_grant',
  },
  EVIDENCE_USED: {
    status: 409,
    code: statuses.ALREADY_EXISTS,
    title: 'The nonce or the evidence has been used before',
    oauth: 'invalid_grant',
  },
  ENROLMENT_REFUSED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The verified claims meet no enrolment rule, or not the named one',
    oauth: 'invalid_grant',
  },
  RULE_AMBIGUOUS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The verified claims meet several enrolment rules, so the request must name one',
    oauth: 'invalid_grant',
  },
  TOO_MANY_AGENTS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator or the enrolment rule has as many agents as it may have',
    oauth: 'invalid_grant',
  },
  ATTESTATION_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'A requirement of the operator needs a result of attestation that the agent does not have now',
    oauth: 'unauthorized_client',
  },
  TOO_MANY_SUBJECTS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The issuer has as many rules about subjects as it may have',
    oauth: 'invalid_request',
  },

  // OpenID Federation.
  ENTITY_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The authority has no such subordinate',
    oauth: 'not_found',
  },
  TRUST_ANCHOR_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The server resolves no entity under this trust anchor',
    oauth: 'invalid_trust_anchor',
  },
  TRUST_CHAIN_NOT_FOUND: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'No trust chain leads from the issuer to a trust anchor',
    oauth: 'invalid_request',
  },
  TOO_MANY_TRUST_ANCHORS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The deployment has as many trust anchors as it may have',
    oauth: 'invalid_request',
  },
  PROVIDER_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no such identity provider',
    oauth: 'invalid_request',
  },
  TOO_MANY_PROVIDERS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator or the deployment has as many identity providers as it may have',
    oauth: 'invalid_request',
  },
  USER_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no such user',
    oauth: 'invalid_request',
  },
  USER_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The operator has disabled this user',
    oauth: 'access_denied',
  },
  TOO_MANY_USERS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has as many users as it may have',
    oauth: 'access_denied',
  },
  PROVIDER_UNAVAILABLE: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The identity provider does not answer now',
    oauth: 'temporarily_unavailable',
  },
  CODE_NOT_ACCEPTED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The authorization code is not valid, or not any more',
    oauth: 'invalid_grant',
  },
  AUTHORIZATION_PENDING: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The user has not answered yet',
    oauth: 'authorization_pending',
  },
  SLOW_DOWN: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The device asks too often',
    oauth: 'slow_down',
  },
  CODE_EXPIRED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The code of the device has expired',
    oauth: 'expired_token',
  },
  // 400, as every error of the token endpoint that is not about authentication (RFC 6749 section 5.2).
  CODE_REFUSED: {
    status: 400,
    code: statuses.FAILED_PRECONDITION,
    title: 'The user has refused the request of the device',
    oauth: 'access_denied',
  },
  USER_CODE_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'No device waits with this code',
    oauth: 'invalid_request',
  },
  TOO_MANY_DEVICES: {
    status: 429,
    code: statuses.RESOURCE_EXHAUSTED,
    title: 'As many devices wait for users of the resource as may wait',
    oauth: 'temporarily_unavailable',
  },
  REFRESH_NOT_ACCEPTED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The refresh token is not valid, or not any more: the user must sign in again',
    oauth: 'invalid_grant',
  },
  CONSENT_REQUIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The user has not consented to this, or not any more',
    oauth: 'invalid_grant',
  },
  CONSENT_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no say in such a consent',
    oauth: 'invalid_request',
  },
  CONNECTION_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'The operator has no say in such a connection',
    oauth: 'invalid_request',
  },
  REDIRECT_NOT_REGISTERED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The client has not registered this redirect URI',
    oauth: 'invalid_request',
  },
  TOO_MANY_CONSENTS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The user has as many consents as a user may have',
    oauth: 'invalid_request',
  },
  CLIENT_NOT_ALLOWED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The owner of the resource does not let this client act for users',
    oauth: 'unauthorized_client',
  },
  SESSION_ENDED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The person must sign in again',
    oauth: 'invalid_request',
  },
  FORM_EXPIRED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The page is too old, or it was made for another browser',
    oauth: 'invalid_request',
  },
  SIGN_IN_FAILED: {
    status: 403,
    code: statuses.PERMISSION_DENIED,
    title: 'The sign-in has failed',
    oauth: 'invalid_request',
  },
  SIGNAL_NOT_ACCEPTED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'The signal of the identity provider does not count',
    oauth: 'invalid_request',
  },
  CLIENT_NOT_ACCEPTED: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'What the client says about itself cannot be accepted',
    oauth: 'invalid_client',
  },
  INVALID_CLIENT_METADATA: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'No client with these metadata can register itself',
    oauth: 'invalid_client_metadata',
  },
  INVALID_REDIRECT_URI: {
    status: 400,
    code: statuses.INVALID_ARGUMENT,
    title: 'No client with these redirect URIs can register itself',
    oauth: 'invalid_redirect_uri',
  },
  TOO_MANY_CLIENTS: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The operator has as many clients as it may have',
    oauth: 'invalid_request',
  },
  TOO_MANY_SUBORDINATES: {
    status: 409,
    code: statuses.FAILED_PRECONDITION,
    title: 'The authority has as many subordinates as it may have',
    oauth: 'invalid_request',
  },

  // Status lists.
  STATUS_LIST_NOT_FOUND: {
    status: 404,
    code: statuses.NOT_FOUND,
    title: 'There is no such status list, or all its tokens have expired',
    oauth: 'invalid_request',
  },
  STATUS_HISTORY_UNAVAILABLE: {
    status: 501,
    code: statuses.UNIMPLEMENTED,
    title: 'The server keeps no earlier status lists',
    oauth: 'invalid_request',
  },

  // The revocation log.
  RESYNC_REQUIRED: {
    status: 410,
    code: statuses.FAILED_PRECONDITION,
    title: 'The log cannot be resumed from this position: start again without a position',
    oauth: 'invalid_request',
  },

  // Limits and faults.
  RATE_LIMITED: {
    status: 429,
    code: statuses.RESOURCE_EXHAUSTED,
    title: 'Too many requests',
    oauth: 'temporarily_unavailable',
  },
  OVERLOADED: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The server has reached its limit of concurrent requests',
    oauth: 'temporarily_unavailable',
  },
  UNAVAILABLE: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The server cannot answer this request now',
    oauth: 'temporarily_unavailable',
  },
  NOT_DURABLE: {
    status: 503,
    code: statuses.UNAVAILABLE,
    title: 'The database has stored the change on one machine only; repeat the call',
    oauth: 'temporarily_unavailable',
  },
  DEADLINE_EXCEEDED: {
    status: 504,
    code: statuses.DEADLINE_EXCEEDED,
    title: 'The request took too long',
    oauth: 'temporarily_unavailable',
  },
  INTERNAL: { status: 500, code: statuses.INTERNAL, title: 'The server failed', oauth: 'server_error' },
} as const satisfies Record<string, Reason>

/** A stable code of an error, the same on every transport. */
export type ReasonCode = keyof typeof reasons
