import { verdicts } from '@auth4agent/core/token/verdicts'
import type { OnlineVerification } from '@auth4agent/sdk'
import type { Style } from './style.ts'
import { lines } from './text.ts'

/** Verdicts about trust, and not about the token. */
const EXPLAINED: ReadonlySet<string> = new Set([
  'ISSUER_NOT_TRUSTED',
  'ISSUER_DISABLED',
  'ISSUER_KEYS_UNAVAILABLE',
  'ISSUER_REVOCATIONS_STALE',
  'SUBJECT_OUTSIDE_NAMESPACE',
  'TRUST_NOT_FOUND',
  'TRUST_ENDED',
])

/** The claims that people want to see, by the names of the answer about an own token. */
function claimsIn({ claims }: OnlineVerification) {
  const { iss, sub, aud, scope, operator_id, jti } = Object(claims)
  return { issuer: iss, subject: sub, audience: aud, scope, operator_id, jti }
}

/** Describes for programs what the server says about a token of another issuer. */
export function foreignToJson(online: OnlineVerification) {
  const { valid, reason } = online
  return valid
    ? { valid, ...claimsIn(online), revocation: 'checked', online }
    : { valid, reason, revocation: 'checked', online }
}

/** Describes it for people. */
export function foreignToText(online: OnlineVerification, style: Style): string {
  const { valid, reason, trust } = online
  const known: Readonly<Record<string, string>> = verdicts
  const why = reason ? `${reason}: ${known[reason] ?? 'The server refuses the token'}` : undefined
  const { issuer, subject, scope } = claimsIn(online)
  const facts = lines({
    reason: why,
    issuer,
    subject,
    audience: trust?.audience,
    scope,
    'scope at the audience': trust?.effective_scope,
    'revocations as of': trust?.revocations_as_of,
  })
  const mark = valid ? style.good('true') : style.bad('false')
  const renew =
    reason === 'ISSUER_DISABLED'
      ? '\n\nif the issuer is enabled again: get a new token, because older tokens stay ended'
      : ''
  const next = EXPLAINED.has(reason ?? '')
    ? '\n\n`auth4agent trust explain` says what is missing, and who can add it'
    : ''
  return `token of another issuer\n\nvalid: ${mark}\n${facts}${renew}${next}`
}
