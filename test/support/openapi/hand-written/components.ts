import {
  ADMIN_ASSERTION_TYPE,
  MAX_ASSERTION_LIFETIME_S,
  OPERATOR_ASSERTION_TYPE,
} from '@auth4agent/core/identity/assertion'
import { reasons } from '../../../../services/platform/errors/reasons.ts'
import type { Schema } from '../schemas.ts'

const TEXT: Schema = { type: 'string' }
const OAUTH_ERRORS = [...new Set(Object.values(reasons).map(({ oauth }) => oauth))].toSorted()

function oauthError(description: string, errors: readonly string[]): Schema {
  return {
    type: 'object',
    description,
    properties: {
      error: { type: 'string', enum: errors },
      error_description: { ...TEXT, description: 'What was wrong in this request.' },
      reason: { $ref: '#/components/schemas/Reason' },
      request_id: { ...TEXT, description: 'The id of the request, also in the log of the server.' },
      trace_id: { ...TEXT, description: 'The trace of the request (W3C Trace Context), if the server traces.' },
    },
    required: ['error', 'error_description', 'reason', 'request_id'],
  }
}

/** Schemas that no message describes. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Reason: {
    type: 'string',
    description: 'Why the server has refused a request. A reason is never renamed. Later versions may add others.',
    enum: Object.keys(reasons).toSorted(),
  },
  Problem: {
    type: 'object',
    description: 'An error as a problem document (RFC 9457).',
    properties: {
      type: { ...TEXT, description: '`urn:auth4agent:reason:` and the reason.' },
      title: { ...TEXT, description: 'What the reason means.' },
      status: { type: 'integer', description: 'The HTTP status.' },
      detail: { ...TEXT, description: 'What was wrong in this request.' },
      reason: { $ref: '#/components/schemas/Reason' },
      error: { ...TEXT, description: 'The text that version 1 clients print.' },
      request_id: { ...TEXT, description: 'The id of the request, also in the log of the server.' },
      trace_id: { ...TEXT, description: 'The trace of the request (W3C Trace Context), if the server traces.' },
    },
    required: ['type', 'title', 'status', 'detail', 'reason', 'error', 'request_id'],
  },
  OAuthError: oauthError('An error of an OAuth endpoint (RFC 6749 section 5.2).', OAUTH_ERRORS),
  FederationError: oauthError('An error of a federation endpoint (OpenID Federation 1.0 section 8.9).', [
    ...OAUTH_ERRORS,
    'unsupported_parameter',
  ]),
  DidResolutionResult: {
    type: 'object',
    description: 'The result of a resolution (DID Resolution, section "DID Resolution Result").',
    properties: {
      didDocument: { type: ['object', 'null'], description: 'The DID document, or null after an error.' },
      didResolutionMetadata: { type: 'object', description: '`contentType`, or `error` after an error.' },
      didDocumentMetadata: { type: 'object', description: 'Times, version and whether the DID is deactivated.' },
    },
    required: ['didDocument', 'didResolutionMetadata', 'didDocumentMetadata'],
  },
}

/** Parameters in headers, by the names that calls use. */
export const PARAMETERS: Readonly<Record<string, Schema>> = {
  DPoP: {
    name: 'DPoP',
    in: 'header',
    description: 'A DPoP proof (RFC 9449). With it, the token is bound to the key of the proof.',
    schema: TEXT,
  },
  Auth4AgentApproval: {
    name: 'Auth4Agent-Approval',
    in: 'header',
    description: 'Approvals by further root keys, separated by commas, if the threshold of the operator needs them.',
    schema: TEXT,
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: 'With `status=refuse`, the answer about a bad token is 401, 403 or 503 instead of 200 (RFC 7240).',
    schema: TEXT,
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The id of the last event that the client has seen. The stream continues after it.',
    schema: TEXT,
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` of the document that the client has.',
    schema: TEXT,
  },
}

/** Headers of answers. */
export const HEADERS: Readonly<Record<string, Schema>> = {
  'WWW-Authenticate': { description: 'How to authenticate (RFC 6750 section 3).', schema: TEXT },
  'Retry-After': { description: 'Seconds after which a retry may succeed.', schema: { type: 'integer' } },
  'DPoP-Nonce': { description: 'The nonce for the next DPoP proof (RFC 9449 section 8).', schema: TEXT },
  Link: { description: 'The next page, with `rel="next"` (RFC 8288). Absent on the last page.', schema: TEXT },
}

/** How callers authenticate. */
export const SECURITY_SCHEMES: Readonly<Record<string, Schema>> = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'An access token of this server for the issuer alone, with one of the scopes. The agent makes the call for its ' +
      'operator. A token that is bound to a key is sent with the scheme DPoP and a proof (RFC 9449).',
  },
  operatorAssertion: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      `A JWT that a key of the operator signs, for at most ${MAX_ASSERTION_LIFETIME_S} seconds. ` +
      `Its \`typ\` is \`${OPERATOR_ASSERTION_TYPE}\`, its \`iss\` and \`sub\` are the id of the operator, and its ` +
      '`aud` is the issuer. For a call that changes something it also has `rpc`, the method and the path of the ' +
      'request, and a `jti` that can be used only once.',
  },
  administratorAssertion: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      `The same with the \`typ\` \`${ADMIN_ASSERTION_TYPE}\` and the \`iss\` and \`sub\` \`admin\`, signed by the ` +
      'administrator key of the deployment.',
  },
  httpMessageSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description:
      'In place of an assertion, an operator may sign the whole request (RFC 9421), with `Signature-Input` and ' +
      '`Content-Digest`. The signature covers at least `@method`, `@target-uri` and `content-digest`, and has ' +
      '`created`, `nonce`, `keyid` and the tag `auth4agent`.',
  },
}
