import { randomUUID } from 'node:crypto'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import type { SealDeps } from '../../keys/index.ts'
import type { UserScope } from '../../operator-registry/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Access, decideAccess } from '../access/domain/decide-access.ts'
import { isLoopbackUri, redirectHostOf } from '../clients/domain/redirect-uri.ts'
import { CODE_LIFETIME_S, sealCode } from './code.ts'
import { type AuthorizationError, type AuthorizationRequest, wrong } from './domain/authorization-request.ts'
import { responseUrl } from './domain/response-url.ts'
import { type JudgeDeps, type JudgedRequest, judgeRequest, type RequestUser } from './judge-request.ts'

/** Dependencies of authorize. */
export interface AuthorizeDeps extends JudgeDeps, SealDeps {
  readonly issuer: string
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** Who has signed in at this browser, and when. Times are in Unix seconds. */
export interface SignedIn extends RequestUser {
  readonly signedInAtS: number
  /** When the user has proved itself to its provider; undefined if the provider does not say. */
  readonly authTimeS: number | undefined
}

/** What the page of consent shows. */
export interface ConsentQuestion {
  readonly clientId: string
  /** As the client calls itself: verified by nobody. Empty if it does not. */
  readonly clientName: string
  /** Where the browser goes afterwards, as an origin. */
  readonly redirectHost: string
  /** Whether any program on the user's computer could be this client, because it has no keys. */
  readonly isLoopback: boolean
  readonly audience: string
  readonly ownerDomain: string
  readonly scopes: readonly UserScope[]
  /** How long the connection lasts at most after the sign-in, in seconds. */
  readonly connectionS: number
}

/** What the browser does next. */
export type NextStep =
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'sign-in'; readonly domains: readonly string[]; readonly wanted: SignInWishes }
  | { readonly kind: 'consent'; readonly question: ConsentQuestion; readonly shown: string }

/** What an authorization request says about the sign-in. */
interface SignInWishes extends Pick<AuthorizationRequest, 'maxAgeS' | 'acrValues' | 'loginHint'> {
  readonly prompt: '' | 'login' | 'select_account'
  /** The query of the request to come back to, which does not ask to sign in once more. */
  readonly query: string
}

/** How old a sign-in may be when the user consents, in seconds, so that nobody else consents in an open browser. */
const FRESH_S = 300

/** A request of a user who may come, and what the user is asked. */
export interface OpenRequest {
  readonly user: SignedIn
  readonly judged: JudgedRequest
  readonly wanted: AuthorizationRequest
  readonly access: Access
  readonly question: ConsentQuestion
}

/**
 * Decides what follows an authorization request (OAuth 2.1 section 4.1.1).
 *
 * @throws ApiError as judgeRequest; USER_NOT_ALLOWED; INVALID_ARGUMENT, CONSENT_REQUIRED for an error that may not go
 *   to the client
 */
export async function authorize(deps: AuthorizeDeps, query: string, user: SignedIn | undefined): Promise<NextStep> {
  const opened = await openRequest(deps, query, user)
  if ('kind' in opened) return opened
  const { judged, wanted, question } = opened
  const scopes = question.scopes.map(({ name }) => name)
  if (!mustAsk(opened, scopes))
    return { kind: 'redirect', location: await grantCode(deps, opened, judged.standing.consentId ?? '', scopes) }
  if (wanted.prompt.has('none')) return toClient(deps, judged, NO_ORACLE)
  if (!isFresh(deps, opened.user)) return signIn(judged, wanted, query)
  return { kind: 'consent', question, shown: shownOf(opened) }
}

/**
 * Opens a request for a user: a step that comes before, or what the user is asked.
 *
 * @throws ApiError as authorize does
 */
export async function openRequest(
  deps: AuthorizeDeps,
  query: string,
  user: SignedIn | undefined,
): Promise<OpenRequest | NextStep> {
  const judged = await judgeRequest(deps, query, user)
  const { wanted, rule, standing, document, audience, redirectUri } = judged
  if ('error' in wanted) return toClient(deps, judged, wanted)
  const isSilent = wanted.prompt.has('none')
  if (user === undefined || mustSignIn(deps, wanted, user)) {
    return isSilent ? toClient(deps, judged, NO_ORACLE) : signIn(judged, wanted, query)
  }
  const access = decideAccess(standing, user.operatorId, rule)
  if ('refused' in access) {
    if (isSilent) return toClient(deps, judged, NO_ORACLE)
    throw new ApiError('USER_NOT_ALLOWED', access.why)
  }
  const scopes = access.scopes.filter(({ name, isDefault }) => wanted.scopes?.includes(name) ?? isDefault)
  if (scopes.length === 0) {
    const refusal = isSilent ? NO_ORACLE : wrong('invalid_scope', 'No such scope is for this user')
    return toClient(deps, judged, refusal)
  }
  const question = {
    clientId: document.clientId,
    clientName: document.name,
    redirectHost: redirectHostOf(redirectUri) ?? '',
    isLoopback: document.authMethod === 'none' && isLoopbackUri(redirectUri),
    audience,
    ownerDomain: access.ownerDomain,
    scopes,
    connectionS: access.connectionS,
  }
  return { user, judged, wanted, access, question }
}

/** Returns all that the user sees and decides about, as one text: the same text means the same page. */
export function shownOf({
  judged,
  question,
}: Pick<OpenRequest, 'question'> & { readonly judged: Pick<JudgedRequest, 'document'> }): string {
  return JSON.stringify([judged.document.digest, question])
}

/** With prompt=none, a client must not learn who has signed in, who may come, and who has consented. */
const NO_ORACLE = wrong('login_required', 'The user must answer')
/** The same on the page, for a client that nobody trusts yet. */
const NO_ORACLE_ON_PAGE = 'The client wants no page (prompt=none), but the user must answer'

/** Tells whether the user must be asked, or has consented to all of it at a client that can be told apart. */
function mustAsk({ judged, wanted, question }: OpenRequest, scopes: readonly string[]): boolean {
  const { consentId, capabilities, clientDigest } = judged.standing
  // RFC 8252 section 8.6: any program on the computer can claim the name of this client.
  if (consentId === null || question.isLoopback || wanted.prompt.has('consent')) return true
  // The page has shown one place to which the answer goes, and the client may have others, of somebody else.
  if (isRegisteredClient(question.clientId)) return true
  if (clientDigest !== judged.document.digest) return true
  return scopes.some((scope) => capabilities?.includes(`${judged.audience}#${scope}`) !== true)
}

/** Tells whether the sign-in of a user is so fresh that the user may consent. */
export function isFresh({ now }: Pick<AuthorizeDeps, 'now'>, { signedInAtS }: Pick<SignedIn, 'signedInAtS'>): boolean {
  return now() / 1000 - signedInAtS <= FRESH_S
}

function mustSignIn(
  { now }: Pick<AuthorizeDeps, 'now'>,
  { prompt, maxAgeS, acrValues }: AuthorizationRequest,
  user: SignedIn,
): boolean {
  // A session does not know in which way the user has authenticated.
  if (prompt.has('login') || prompt.has('select_account') || acrValues !== '') return true
  if (maxAgeS === undefined) return false
  return user.authTimeS === undefined || now() / 1000 - user.authTimeS > maxAgeS
}

function signIn({ rule }: JudgedRequest, wanted: AuthorizationRequest, query: string): NextStep {
  const { maxAgeS, acrValues, loginHint, prompt } = wanted
  const first = prompt.has('login') ? 'login' : prompt.has('select_account') ? 'select_account' : ''
  const wishes = { maxAgeS, acrValues, loginHint, prompt: first, query: withoutSignIn(query, wanted) } as const
  return { kind: 'sign-in', domains: rule.domains, wanted: wishes }
}

/** After the sign-in, which has checked what the request asks of it, the request must not ask for one again. */
function withoutSignIn(query: string, { prompt }: AuthorizationRequest): string {
  const parameters = new URLSearchParams(query)
  for (const name of ['prompt', 'max_age', 'acr_values']) parameters.delete(name)
  if (prompt.has('consent')) parameters.set('prompt', 'consent')
  return parameters.toString()
}

/**
 * Returns the redirect that tells a client about an error.
 *
 * @throws ApiError INVALID_ARGUMENT, CONSENT_REQUIRED for a client that nobody trusts yet (OAuth 2.1 section 7.12.2)
 */
function toClient(
  { issuer }: AuthorizeDeps,
  { redirectUri, state, isTrusted }: JudgedRequest,
  refusal: AuthorizationError,
): NextStep {
  const { error, description } = refusal
  if (!isTrusted) {
    throw refusal === NO_ORACLE
      ? new ApiError('CONSENT_REQUIRED', NO_ORACLE_ON_PAGE)
      : new ApiError('INVALID_ARGUMENT', `The client has sent a wrong request: ${description}`)
  }
  const members = { error, error_description: description }
  return { kind: 'redirect', location: responseUrl(redirectUri, issuer, state, members) }
}

/** Returns the URL that takes the refusal of a user to the client. The user has seen where it goes. */
export function denyRequest({ issuer }: Pick<AuthorizeDeps, 'issuer'>, { redirectUri, state }: JudgedRequest): string {
  const members = { error: 'access_denied', error_description: 'The user has refused' }
  return responseUrl(redirectUri, issuer, state, members)
}

/** Returns the URL that takes a code for a consent to the client. */
export async function grantCode(
  deps: AuthorizeDeps,
  { user, judged, wanted }: OpenRequest,
  consentId: string,
  scopes: readonly string[],
): Promise<string> {
  const { redirectUri, state, clientEdge } = judged
  const code = await sealCode(deps, {
    id: randomUUID(),
    consentId,
    scopes,
    redirectUri: sha256Text(redirectUri, 'base64url'),
    codeChallenge: wanted.codeChallenge,
    jkt: wanted.jkt,
    clientEdge,
    vouchedAtS: user.signedInAtS,
    exp: Math.floor(deps.now() / 1000) + CODE_LIFETIME_S,
  })
  return responseUrl(redirectUri, deps.issuer, state, { code })
}
