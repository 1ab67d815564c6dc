import { DPOP_ALGORITHMS } from '@auth4agent/core/dpop/dpop-proof'
import { create } from '@bufbuild/protobuf'
import { status as codes } from '@grpc/grpc-js'
import {
  HeaderValueOption_HeaderAppendAction as Action,
  type HeaderValueOption,
  HeaderValueOptionSchema,
  HeaderValueSchema,
} from '../../../gen/proto/envoy/config/core/v3/base_pb.ts'
import { type CheckResponse, CheckResponseSchema } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { StatusCode } from '../../../gen/proto/envoy/type/v3/http_status_pb.ts'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import type { ApiError } from '../../platform/errors/api-error.ts'

/** The header of a refusal that a mistake in the configuration of the proxy causes. It says what the mistake is. */
const DETAIL_HEADER = 'x-auth4agent-detail'
/** The header of every refusal. It contains the reason, for the logs of the proxy and for the client. */
const REASON_HEADER = 'x-auth4agent-reason'

/** Why a request is refused, and how the client is told. */
export interface Refusal {
  readonly reason: string
  readonly status: 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  /** What is wrong in the configuration of the route: a sentence of printable ASCII characters. */
  readonly detail?: string
  /** The error because of which the server could not decide. */
  readonly fault?: ApiError
}

const FORBIDDEN = { status: 403, headers: {} } as const
const UNREADABLE = bearer('error="invalid_request"')

/** Refusals of requests whose token is not looked at. */
const REFUSALS = {
  HTTP_REQUEST_MISSING: FORBIDDEN,
  PROTOCOL_REFUSED: FORBIDDEN,
  METHOD_REFUSED: FORBIDDEN,
  HOST_REFUSED: FORBIDDEN,
  PATH_REFUSED: FORBIDDEN,
  HEADER_TOO_LARGE: FORBIDDEN,
  HEADER_AMBIGUOUS: FORBIDDEN,
  REQUEST_URL_UNKNOWN: FORBIDDEN,
  CLAIM_NOT_SENDABLE: FORBIDDEN,
  AUDIENCE_NOT_DEMANDED: FORBIDDEN,
  EXTENSION_UNKNOWN: FORBIDDEN,
  EXTENSION_INVALID: FORBIDDEN,
  TOKEN_IN_QUERY: UNREADABLE,
  // RFC 6750 section 3.1: a request without credentials gets no error code.
  AUTHORIZATION_MISSING: bearer(),
  AUTHORIZATION_REPEATED: UNREADABLE,
  AUTHORIZATION_MALFORMED: UNREADABLE,
  PROOF_REQUIRED: dpop('invalid_token'),
  PROOF_WITHOUT_SCHEME: dpop('invalid_token'),
} as const satisfies Record<string, Omit<Refusal, 'reason'>>

/** Returns the refusal for a reason, with what is wrong in the configuration of the route. */
export function refusal(reason: keyof typeof REFUSALS, detail?: string): Refusal {
  return { reason, ...REFUSALS[reason], ...(detail !== undefined && { detail }) }
}

function bearer(...parameters: readonly string[]): Omit<Refusal, 'reason'> {
  return { status: 401, headers: { 'www-authenticate': `Bearer ${['realm="auth4agent"', ...parameters].join(', ')}` } }
}

function dpop(error: string): Omit<Refusal, 'reason'> {
  const text = `DPoP realm="auth4agent", error="${error}", algs="${DPOP_ALGORITHMS.join(' ')}"`
  return { status: 401, headers: { 'www-authenticate': text } }
}

const CODES = {
  401: { http: StatusCode.Unauthorized, grpc: codes.UNAUTHENTICATED },
  403: { http: StatusCode.Forbidden, grpc: codes.PERMISSION_DENIED },
  503: { http: StatusCode.ServiceUnavailable, grpc: codes.UNAVAILABLE },
} as const

/** What a challenge tells about the route: its scope (RFC 6750 section 3) and its metadata (RFC 9728 section 5.1). */
export interface ChallengeHints {
  readonly scope: string | undefined
  readonly resourceMetadata: string | undefined
}

/**
 * Makes the answer for a refused request. It is a denial even if the server could not decide: a proxy may let requests
 * pass after an error, but never after a denial.
 */
export function denied({ reason, status, headers, detail }: Refusal, hints: ChallengeHints | undefined): CheckResponse {
  const challenge = headers['www-authenticate']
  const told = challenge === undefined ? headers : { 'www-authenticate': withHints(challenge, hints) }
  const all = { ...told, [REASON_HEADER]: reason, ...(detail !== undefined && { [DETAIL_HEADER]: detail }) }
  const code = CODES[status]
  return create(CheckResponseSchema, {
    status: create(StatusSchema, { code: code.grpc, message: reason }),
    httpResponse: {
      case: 'deniedResponse',
      value: {
        status: { code: code.http },
        headers: Object.entries(all).map(([name, value]) => setHeader(name, value)),
      },
    },
  })
}

/** Both texts were checked when the demands of the route were read, so neither has a quote. */
function withHints(challenge: string, hints: ChallengeHints | undefined): string {
  const scope = hints?.scope === undefined ? '' : `, scope="${hints.scope}"`
  const metadata = hints?.resourceMetadata === undefined ? '' : `, resource_metadata="${hints.resourceMetadata}"`
  return `${challenge}${scope}${metadata}`
}

/** Makes a header that replaces every header of its name. */
export function setHeader(key: string, value: string): HeaderValueOption {
  // `append` stays absent: Envoy then replaces too, and refuses both fields together.
  return create(HeaderValueOptionSchema, {
    header: create(HeaderValueSchema, { key, value }),
    appendAction: Action.OVERWRITE_IF_EXISTS_OR_ADD,
  })
}
