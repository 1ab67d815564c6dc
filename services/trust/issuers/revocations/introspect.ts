import { createHash } from 'node:crypto'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import type { Span } from '../../../platform/trace/span.ts'
import type { KnownIssuer } from '../known-issuer.ts'
import type { OwnSecrets } from '../own-secrets.ts'

/** What an issuer has said about a token. */
export interface Introspected {
  readonly isActive: boolean
  readonly askedAt: Moment
}

/** Asks an issuer about a token (RFC 7662). Rejects if it cannot be asked. */
export type Introspect = (issuer: KnownIssuer, token: string, span?: Span) => Promise<Introspected>

/** The longest use of an answer, in milliseconds. */
const MAX_AGE_MS = 10_000
const MAX_REMEMBERED = 10_000
const TIMEOUT_MS = 5_000

/** Creates the function. It remembers answers for as long as the issuer's knowledge may be old. */
export function createIntrospect(outbound: Pick<Outbound, 'post'>, secret: OwnSecrets['secret']): Introspect {
  const known = new Map<string, Introspected>()
  const asking = new Map<string, Promise<Introspected>>()
  const ask = async (
    issuer: KnownIssuer,
    token: string,
    key: string,
    span: Span | undefined,
  ): Promise<Introspected> => {
    const askedAt = present()
    const basic = `${encodeURIComponent(issuer.actsAs)}:${encodeURIComponent(await secret(issuer.id))}`
    const { body } = await outbound.post(
      issuer.introspectionUri,
      { token, token_type_hint: 'access_token' },
      {
        accept: ['application/json'],
        timeoutMs: TIMEOUT_MS,
        span,
        headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
      },
    )
    const json = parseStrictJson(body)
    if (!json.ok) throw new TypeError('The answer to the introspection must be a JSON object')
    const answer = { isActive: json.value['active'] === true, askedAt }
    keepNewest(known, key, answer, MAX_REMEMBERED)
    return answer
  }
  return async (issuer, token, span) => {
    const key = createHash('sha256').update(`${issuer.id} ${issuer.generation} ${token}`).digest('base64url')
    const before = known.get(key)
    if (before !== undefined && msSince(before.askedAt) < Math.min(MAX_AGE_MS, issuer.maxStalenessMs)) return before
    const shared = asking.get(key) ?? ask(issuer, token, key, span).finally(() => asking.delete(key))
    asking.set(key, shared)
    return shared
  }
}
