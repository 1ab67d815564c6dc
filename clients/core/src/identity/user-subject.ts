const USER_SUBJECT = /^[a-z][a-z0-9-]{0,31}:[A-Za-z0-9._~@+-]{1,200}$/

/**
 * Tells whether a text can name a user of this deployment: a kind and a name, such as `user:alice`. A DID never can,
 * so nobody can take a user for an agent.
 *
 * @example
 * ```ts
 * import { isUserSubject } from '@auth4agent/core/identity/user-subject'
 *
 * isUserSubject('user:alice') // true
 * isUserSubject('did:agent:acme.test:…') // false
 * ```
 */
export function isUserSubject(text: string): boolean {
  return USER_SUBJECT.test(text) && !text.startsWith('did:')
}
