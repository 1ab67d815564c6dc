import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { items, queryOf } from './pages.ts'

const connection = {
  id: 'text',
  scopes: 'texts',
  created_at: 'text?',
  used_at: 'text?',
  expires_at: 'text?',
} as const satisfies Shape
/** One use of a consent by one installation of a client. It ends at `expires_at` at the latest. */
export type UserConnection = Answer<typeof connection>

const consent = {
  id: 'text',
  operator_id: 'text',
  subject: 'text',
  client_id: 'text',
  audience: 'text',
  owner_id: 'text',
  capabilities: 'texts',
  given_at: 'text?',
  connections: 'any',
  client_name: 'text?',
  redirect_hosts: 'texts?',
} as const satisfies Shape
/**
 * What a user lets one client do at one audience. Each capability is an audience, `#` and a scope. A client that has
 * registered itself has its own words in `client_name` and `redirect_hosts`, which nobody has verified.
 */
export interface UserConsent extends Omit<Answer<typeof consent>, 'connections'> {
  readonly connections: readonly UserConnection[]
}

/** Which consents to list. A filter that is missing leaves nothing out. */
export interface ConsentFilter {
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  readonly audience?: string | undefined
}

const FILTER_NAMES: Names<ConsentFilter> = { subject: true, clientId: true, audience: true }

/**
 * The calls about what users let clients do: users of this operator, and users of any operator at its audiences.
 *
 * @example
 *
 * ```ts
 * for await (const { id, subject } of operator.consents.list({ clientId })) console.log(subject, id)
 * ```
 */
export interface OperatorConsents {
  /** Lists consents with their connections, newest first. Requests each page when it is needed. */
  list(filter?: ConsentFilter): AsyncGenerator<UserConsent, void, undefined>
  /** Withdraws a consent. Online verifiers refuse its tokens as soon as the call ends. */
  withdraw(consentId: string): Promise<UserConsent>
  /** Ends one connection. Online verifiers refuse its tokens as soon as the call ends. */
  endConnection(connectionId: string): Promise<UserConnection>
}

/** Makes the calls about consents for one operator. */
export function operatorConsents(caller: Caller, id: string): OperatorConsents {
  const base = `/v1/operators/${id}`
  const remove = (kind: string, each: string) =>
    caller.call(id, { method: 'DELETE', path: `${base}/${kind}/${encodeURIComponent(each)}` })
  return {
    list(filter = {}) {
      // A misspelt filter would leave nothing out.
      refuseUnknownNames('filter', filter, FILTER_NAMES)
      const { subject, clientId, audience } = filter
      return listAll(caller, id, queryOf({ subject, client_id: clientId, audience }))
    },
    async withdraw(consentId) {
      const answer = readAnswer({ consent: 'any' }, await remove('consents', consentId))
      return withConnections(readAnswer(consent, answer.consent))
    },
    async endConnection(connectionId) {
      const answer = readAnswer({ connection: 'any' }, await remove('connections', connectionId))
      return readAnswer(connection, answer.connection)
    },
  }
}

async function* listAll(
  caller: Caller,
  id: string,
  query: URLSearchParams,
): AsyncGenerator<UserConsent, void, undefined> {
  const call = { method: 'GET', path: `/v1/operators/${id}/consents`, query } as const
  for await (const each of items(caller, id, consent, call, 'consents')) yield withConnections(each)
}

function withConnections(answer: Answer<typeof consent>): UserConsent {
  return { ...answer, connections: readAnswers(connection, answer.connections) }
}
