import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { type Answer, readAnswer, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { items, queryOf } from './pages.ts'

/** Which user of the server a subject of an identity provider is, and what agents may do for that user. */
export interface NewSubject {
  /** The claim `tenant` of the subject, if the identity provider sends one. */
  readonly tenant?: string | undefined
  /** The claim `sub` of the subject, byte for byte. */
  readonly sub: string
  /** The user, such as `user:alice`. */
  readonly user: string
  /** The operator for whose agents the rule counts. */
  readonly operator_id: string
  /** Audiences at which these agents may act for the user. */
  readonly audience: readonly string[]
  /** Scopes that they may have there. */
  readonly scope: readonly string[]
}

const subject = {
  rule: 'text',
  tenant: 'text?',
  sub: 'text',
  user: 'text',
  operator_id: 'text',
  audience: 'texts',
  scope: 'texts',
  put_at: 'text?',
} as const satisfies Shape
/** A rule about a subject of an identity provider. `rule` is its id, a UUID. */
export type AdmittedSubject = Answer<typeof subject>

/** The administrator's calls about the subjects of an identity provider. `id` is the id of its admission. */
export interface SubjectCalls {
  /** Puts a rule. It replaces the rule about the same subject and operator, and then ends the tokens of that rule. */
  put(id: string, rule: NewSubject): Promise<AdmittedSubject>
  /** Lists all rules of an identity provider, newest first. Requests each page when it is needed. */
  list(id: string): AsyncGenerator<AdmittedSubject, void, undefined>
  /** Removes a rule. Online verifiers refuse its tokens as soon as the call ends. */
  remove(id: string, rule: string, reason?: string): Promise<AdmittedSubject>
}

/** Makes the calls about subjects. */
export function subjectCalls(caller: Caller): SubjectCalls {
  const change = async (path: string, body: object) => {
    const answer = await caller.call(ADMIN_ISSUER, { method: 'POST', path, body })
    return readAnswer(subject, readAnswer({ subject: 'any' }, answer).subject)
  }
  return {
    put: async (id, rule) => change(place(id), rule),
    list: (id) =>
      items(caller, ADMIN_ISSUER, subject, { method: 'GET', path: place(id), query: queryOf({}) }, 'subjects'),
    async remove(id, rule, reason) {
      if (!isUuid(rule)) throw new TypeError('The id of a rule must be a UUID')
      return change(`${place(id)}/${rule}/remove`, { reason })
    },
  }
}

function place(id: string): string {
  if (!isUuid(id)) throw new TypeError('The id of an issuer must be a UUID')
  return `/v1/issuers/${id}/subjects`
}
