import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { items, queryOf } from './pages.ts'

const user = {
  subject: 'text',
  status: 'text',
  provider: 'text?',
  tenant: 'text?',
  provider_subject: 'text?',
  name: 'text?',
  groups: 'texts',
  created_at: 'text?',
  signed_in_at: 'text?',
  disabled_at: 'text?',
} as const satisfies Shape

/** A person of an operator for whom one of its identity providers has vouched. */
export type User = Answer<typeof user>

/** Which users to list. */
export interface UserFilter {
  readonly status?: 'active' | 'disabled' | undefined
  /** Users for each request, 1 to 200. */
  readonly pageSize?: number | undefined
}

/**
 * The calls with which an operator sees its users, and ends them.
 *
 * @example
 *
 * ```ts
 * for await (const { subject, name } of operator.users.list()) {
 *   if (name === 'Mallory') await operator.users.disable(subject, 'left the company')
 * }
 * ```
 */
export interface OperatorUsers {
  /** Lists the users by subject, without removed ones. Requests each page when it is needed. */
  list(filter?: UserFilter): AsyncGenerator<User, void, undefined>
  /** Ends all tokens of a user, and lets the user sign in no more. */
  disable(subject: string, reason?: string): Promise<User>
  /** Lets a disabled user sign in again. Tokens that have ended stay ended. */
  enable(subject: string, reason?: string): Promise<User>
  /**
   * Ends all tokens of a user, and erases what the server knows about the person. Who signs in at the identity
   * provider again is a user again.
   */
  remove(subject: string): Promise<User>
}

const FILTER_NAMES: Names<UserFilter> = { status: true, pageSize: true }

/** Makes the calls about users for one operator. */
export function operatorUsers(caller: Caller, id: string): OperatorUsers {
  const base = `/v1/operators/${id}/users`
  const post = (subject: string, verb: string, reason: string | undefined) =>
    caller.call(id, { method: 'POST', path: `${base}/${expectSubject(subject)}/${verb}`, body: { reason } })
  return {
    list: (filter = {}) => {
      refuseUnknownNames('filter', filter, FILTER_NAMES)
      const { status, pageSize } = filter
      const query = queryOf({ status, page_size: pageSize })
      return items(caller, id, user, { method: 'GET', path: base, query }, 'users')
    },
    disable: async (subject, reason) => readOne(await post(subject, 'disable', reason)),
    enable: async (subject, reason) => readOne(await post(subject, 'enable', reason)),
    remove: async (subject) =>
      readOne(await caller.call(id, { method: 'DELETE', path: `${base}/${expectSubject(subject)}` })),
  }
}

function readOne(answer: unknown): User {
  return readAnswer(user, readAnswer({ user: 'any' }, answer).user)
}

/** A text such as `..` would change the path that the assertion names. */
function expectSubject(subject: string): string {
  if (isUserSubject(subject)) return subject
  throw new TypeError(`The subject of a user is such as user:9sKxGXkSsGS3FWtdVEtMBw, not ${JSON.stringify(subject)}`)
}
