import type { TrustDraft, TrustGrant, TrustStatement } from '@auth4agent/core/trust/statement'

/**
 * Describes a statement or a draft to a person in one sentence: who lets whom do what, where it counts and until when.
 * Scopes are the ones of the caller's token; brackets show what they are at the audience.
 *
 * @example
 * ```ts
 * import { describeStatement } from './describe-statement.ts'
 *
 * describeStatement(statement)
 * // 'cargo.example lets agents of acme.example (at https://alpha.example) call https://api.cargo.example with
 * // orders:read (read here); this counts at https://beta.example from 2027-01-15 08:00 to 2027-04-15 08:00 UTC'
 * ```
 */
export function describeStatement(statement: TrustDraft | TrustStatement): string {
  return `${statement.domain} ${deed(statement)}; this counts at ${listed(statement.aud)}${period(statement)}`
}

function deed({ kind, home, subHome, subDomain, grants, depth }: TrustDraft): string {
  const subject = subHome === home ? subDomain : `${subDomain} (at ${subHome})`
  const deeds = {
    'lets-call': () => `lets agents of ${subject} call ${calls(grants, 'here')}`,
    'accepts-members-of': () => `lets agents of ${membersOf(subject, depth)} call ${calls(grants, 'here')}`,
    member: () => `names ${subject} as its member`,
    blocks: () => `blocks all agents of ${subject}`,
    'chains-to': () => `lets its agents carry authority to ${subHome}, for ${calls(grants, 'there')}`,
  }
  return deeds[kind]()
}

function membersOf(group: string, depth: 1 | 2 | undefined): string {
  return depth === 2 ? `the members of ${group} and of the members' own members` : `the members of ${group}`
}

function calls(grants: readonly TrustGrant[], place: 'here' | 'there'): string {
  return grants
    .map(({ audience, scopes }) => `${audience || 'any audience'} with ${mapping(scopes, place)}`)
    .join(', and ')
}

function mapping(scopes: TrustGrant['scopes'], place: string): string {
  return listed(Object.entries(scopes).map(([scope, effective]) => `${scope} (${effective.join(' ')} ${place})`))
}

/** Lists words with `and` before the last one. */
function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

function period(statement: TrustDraft | TrustStatement): string {
  return 'exp' in statement ? ` from ${minute(statement.nbf)} to ${minute(statement.exp)} UTC` : ''
}

function minute(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')
}
