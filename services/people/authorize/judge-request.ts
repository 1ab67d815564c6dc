import { parseAudience } from '@auth4agent/core/token/audience'
import type pg from 'pg'
import { fromStoredUsers, type UserAccess } from '../../operator-registry/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decideClient } from '../access/domain/decide-client.ts'
import type { Standing } from '../access/domain/standing.ts'
import { readStanding } from '../access/standing.ts'
import { agentDocument } from '../clients/domain/agent-document.ts'
import { clientKindOf } from '../clients/domain/client-id.ts'
import type { ClientDocument } from '../clients/domain/read-document.ts'
import { matchRedirectUri } from '../clients/domain/redirect-uri.ts'
import {
  type AuthorizationError,
  type AuthorizationRequest,
  parameter,
  readParameters,
  readRequest,
  wrong,
} from './domain/authorization-request.ts'

/** Dependencies of judgeRequest. */
export interface JudgeDeps {
  readonly db: { readonly pool: pg.Pool }
  /**
   * Returns what a client says about itself: a URL client in its document, from memory or from its URL.
   *
   * @throws ApiError CLIENT_NOT_ACCEPTED, RATE_LIMITED, UNAVAILABLE
   */
  readonly findDocument: (clientId: string) => Promise<ClientDocument>
}

/** Who has signed in at this browser. */
export interface RequestUser {
  readonly operatorId: string
  readonly subject: string
}

/** An authorization request whose client and redirect URI are good. */
export interface JudgedRequest {
  readonly audience: string
  readonly document: ClientDocument
  readonly redirectUri: string
  /** The parameter `state`; undefined if the request has none. */
  readonly state: string | undefined
  readonly standing: Standing
  readonly rule: UserAccess
  readonly clientEdge: string
  /** Whether errors may go to the client: a stranger could use this server as an open redirector. */
  readonly isTrusted: boolean
  /** What the client asks for, or what is wrong with it. */
  readonly wanted: AuthorizationRequest | AuthorizationError
}

/** Of nobody: no operator has this id. */
export const NOBODY: RequestUser = { operatorId: '00000000-0000-0000-0000-000000000000', subject: '' }

/**
 * Judges an authorization request as far as it does not depend on the user: its resource, its client, its redirect URI
 * and its form. The resource comes first, so that nobody makes this server fetch a document without a real one.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, CLIENT_NOT_ACCEPTED, CLIENT_NOT_ALLOWED,
 *   REDIRECT_NOT_REGISTERED, RATE_LIMITED, UNAVAILABLE: for the page, because the redirect URI may not be the client's
 */
export async function judgeRequest(deps: JudgeDeps, query: string, user: RequestUser = NOBODY): Promise<JudgedRequest> {
  const parameters = readParameters(query)
  const [audience, clientId] = [parameter(parameters, 'resource'), parameter(parameters, 'client_id')]
  if (!audience.includes(':') || parseAudience(audience) === undefined) {
    throw new ApiError('INVALID_AUDIENCE', 'resource must be the URL of the service that the client wants to call')
  }
  // The database cannot even look for some texts, such as one with a NUL.
  const kind = clientKindOf(clientId)
  if (kind === undefined) {
    const detail =
      'client_id must be the DID of an agent, the URL of a client document, or one that this server gave out'
    throw new ApiError('CLIENT_NOT_ACCEPTED', detail)
  }
  const { operatorId, subject } = user
  const standing = await readStanding(deps.db.pool, { operatorId, subject, clientId, audience })
  const rule = ruleOf(standing)
  const clientEdge = decideClient(standing, clientId, rule)
  if (clientEdge === undefined) throw new ApiError('CLIENT_NOT_ALLOWED')
  const document = kind === 'agent' ? agentDocument(clientId, standing.agent) : await deps.findDocument(clientId)
  const redirectUri = parameter(parameters, 'redirect_uri')
  if (!matchRedirectUri(document.redirectUris, redirectUri)) throw new ApiError('REDIRECT_NOT_REGISTERED')
  // Of the places of a registered client, a user who has consented may have seen only another one.
  const isUsed = kind !== 'registered' && standing.consentId !== null
  const isTrusted = standing.clientStatus === 'allowed' || isUsed
  const wanted = withinRule(readRequest(parameters), rule)
  const state = parameters.get('state')
  return { audience, document, redirectUri, state, standing, rule, clientEdge, isTrusted, wanted }
}

/**
 * Returns what the owner of an audience says about users. Without a list of domains and scopes, no user may come.
 *
 * @throws ApiError INVALID_AUDIENCE
 */
export function ruleOf({ rule: stored, accessEdge, ownerStatus }: Standing): UserAccess {
  const rule = stored === null ? undefined : fromStoredUsers(stored)
  if (rule === undefined || accessEdge === null || ownerStatus !== 'active' || rule.scopes.length === 0) {
    throw new ApiError('INVALID_AUDIENCE', 'No user may sign in for this resource: its owner has not said who may')
  }
  return rule
}

function withinRule(wanted: JudgedRequest['wanted'], { scopes }: UserAccess): JudgedRequest['wanted'] {
  if ('error' in wanted) return wanted
  const strange = wanted.scopes?.filter((scope) => !scopes.some(({ name }) => name === scope)) ?? []
  return strange.length === 0 ? wanted : wrong('invalid_scope', `The resource has no scope ${strange.join(' ')}`)
}
