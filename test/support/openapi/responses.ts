import { FederationService } from '../../../gen/proto/auth4agent/v1/federation_pb.ts'
import { type ProblemWriter, problemOf } from '../../../services/http-port/problem.ts'
import { federationProblem } from '../../../services/jwks-gateway/federation/federation-problem.ts'
import { oauthProblem } from '../../../services/jwks-gateway/oauth/oauth-problem.ts'
import type { RestBinding } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../../../services/platform/errors/reasons.ts'
import type { Schema } from './schemas.ts'

/** The forms of an error: those of RFC 9457, of RFC 6749 section 5.2, and of OpenID Federation 1.0 section 8.9. */
type Form = 'Problem' | 'OAuthError' | 'FederationError'

const MEDIA_TYPES: Readonly<Record<Form, string>> = {
  Problem: 'application/problem+json',
  OAuthError: 'application/json',
  FederationError: 'application/json',
}
const FORMS: readonly Form[] = ['Problem', 'OAuthError', 'FederationError']
const HEADERS: Readonly<Record<string, string>> = {
  'www-authenticate': 'WWW-Authenticate',
  'retry-after': 'Retry-After',
  'dpop-nonce': 'DPoP-Nonce',
}
/** The most reasons in the name of a shared response. */
const MAX_NAMED = 8

/** Makes the responses for the errors of a call. */
export interface ErrorResponses {
  /** Returns the responses by status. */
  of(binding: Pick<RestBinding, 'method' | 'path' | 'isForm'>, possible: Iterable<ReasonCode>): Record<string, Schema>
  /** Returns the responses by status of a path whose errors are problem documents. */
  plain(possible: Iterable<ReasonCode>): Record<string, Schema>
  /** Returns the responses by status of an OAuth path. */
  oauth(path: string, possible: Iterable<ReasonCode>): Record<string, Schema>
  /** Replaces each response by a reference to a component, because many calls have the same. */
  share(responses: Record<string, Schema>): Record<string, Schema>
  /** The responses that several calls share. */
  components(): Readonly<Record<string, Schema>>
}

/** Creates the error responses. */
export function createErrorResponses(): ErrorResponses {
  const shared = new Map<string, Schema>(
    FORMS.map((form) => [form, { description: 'Any other error', content: contentOf(form) }]),
  )
  return {
    of({ method, path, isForm }, possible) {
      const isFederation = method.parent === FederationService
      if (isFederation) return make('FederationError', federationProblem, possible)
      return isForm ? make('OAuthError', oauthProblem(path.template), possible) : make('Problem', problemOf, possible)
    },
    plain: (possible) => make('Problem', problemOf, possible),
    oauth: (path, possible) => make('OAuthError', oauthProblem(path), possible),
    share(responses) {
      const entries = Object.entries(responses).map(([status, response]) => {
        const name = sharedName(status, response)
        if (name === undefined) return [status, response] as const
        shared.set(name, response)
        return [status, { $ref: `#/components/responses/${name}` }] as const
      })
      return Object.fromEntries(entries)
    },
    components: () => Object.fromEntries([...shared].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** Makes the responses by status, as a writer of errors answers. */
function make(form: Form, write: ProblemWriter, possible: Iterable<ReasonCode>): Record<string, Schema> {
  const byStatus = new Map<number, [ReasonCode, ReturnType<ProblemWriter>][]>()
  for (const reason of new Set(possible)) {
    const problem = write(errorOf(reason), 'x', authorizationOf(reason))
    byStatus.set(problem.status, [...(byStatus.get(problem.status) ?? []), [reason, problem]])
  }
  const entries = [...byStatus].toSorted(([a], [b]) => a - b)
  const responses = entries.map(([status, refusals]) => [String(status), responseOf(form, refusals)] as const)
  return { ...Object.fromEntries(responses), default: { $ref: `#/components/responses/${form}` } }
}

function responseOf(form: Form, refusals: readonly (readonly [ReasonCode, ReturnType<ProblemWriter>])[]): Schema {
  const sent = new Set(refusals.flatMap(([, { headers }]) => Object.keys(headers)).filter((name) => name in HEADERS))
  return {
    description: refusals
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, { body }]) => `- \`${reason}\`${errorText(form, body)}: ${reasons[reason].title}`)
      .join('\n'),
    ...(sent.size > 0 && {
      headers: Object.fromEntries(
        [...sent].map((name) => [HEADERS[name], { $ref: `#/components/headers/${HEADERS[name]}` }]),
      ),
    }),
    content: contentOf(form),
    'x-reasons': refusals.map(([reason]) => reason).toSorted(),
  }
}

/** Returns the name of a component for a response, or undefined if it has very many reasons or other content. */
function sharedName(status: string, response: Schema): string | undefined {
  const { 'x-reasons': names, content } = response
  const form = FORMS.find((each) => JSON.stringify(contentOf(each)) === JSON.stringify(content))
  if (form === undefined || !Array.isArray(names) || names.length > MAX_NAMED) return undefined
  return [...(form === 'Problem' ? [] : [form, status]), ...names].join('.')
}

function contentOf(form: Form): Schema {
  return { [MEDIA_TYPES[form]]: { schema: { $ref: `#/components/schemas/${form}` } } }
}

/** Returns the OAuth error that an answer contains, for the description. */
function errorText(form: Form, body: string): string {
  const { error }: { error?: string } = JSON.parse(body)
  return form === 'Problem' ? '' : ` (\`${error}\`)`
}

function errorOf(reason: ReasonCode): ApiError {
  const details = {
    ...(reasons[reason].status === 429 || reasons[reason].status === 503 ? { retryAfter: 1 } : {}),
    ...(reason === 'DPOP_NONCE_REQUIRED' ? { dpopNonce: 'x' } : {}),
  }
  return new ApiError(reason, undefined, details)
}

/** An Authorization header changes the status of an OAuth error, and is what one of the reasons is about. */
function authorizationOf(reason: ReasonCode): string | undefined {
  return reason === 'UNSUPPORTED_CLIENT_AUTHENTICATION' ? 'Bearer x' : undefined
}
