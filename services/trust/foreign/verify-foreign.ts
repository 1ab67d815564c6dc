import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { TrustDeps } from '../config.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'
import { checkAtHome, checkStatementsAbroad } from './check-abroad.ts'
import type { DecideTrust, Trusted } from './decide-trust.ts'
import type { ForeignClaims } from './domain/oauth-claims.ts'
import { createFinders } from './find-issuer.ts'
import type { ForeignLists } from './foreign-lists.ts'
import type { ForeignLogs } from './foreign-logs.ts'
import type { createGenuineForeign, GenuineForeign } from './genuine-foreign.ts'
import type { Introspect } from './introspect.ts'

/** Why a token of a foreign issuer is valid here, and how old the knowledge is that says so. Times in Unix ms. */
export interface ForeignTrust {
  readonly issuer: KnownIssuer
  readonly trusted: Trusted
  readonly keysAsOf: number | undefined
  readonly domainAsOf: number | undefined
  readonly revocationsAsOf: number | undefined
  readonly maxStalenessMs: number
}

/** The answer about a token of a foreign issuer. */
export type ForeignVerification =
  | { readonly valid: true; readonly claims: ForeignClaims; readonly trust: ForeignTrust }
  | { readonly valid: false; readonly reason: Verdict; readonly revoked: boolean }

/** What the verifier of a token of a foreign issuer wants. */
export interface ForeignDemands {
  /** The issuer as the token names it, one of those that the verifier accepts. */
  readonly issuer: string
  /** At least one audience. The scopes are those at the audience. */
  readonly wanted: Requirements
  /** Checks that the sender of a bound token has its key. */
  readonly checkSender: (claims: ForeignClaims) => Verdict | undefined
}

/** Verifies tokens of foreign issuers. */
export type VerifyForeign = (token: string, demands: ForeignDemands) => Promise<ForeignVerification>

/** Dependencies of createVerifyForeign. */
export interface VerifyForeignDeps extends Pick<TrustDeps, 'knowledge' | 'now' | 'settings'> {
  readonly tokenStatus: Pick<TrustDeps['tokenStatus'], 'checkTrust'>
  readonly genuine: ReturnType<typeof createGenuineForeign>
  readonly decideTrust: DecideTrust
  readonly logs: Pick<ForeignLogs, 'of' | 'asOf'>
  readonly introspect: Introspect
  readonly lists: Pick<ForeignLists, 'renew' | 'check' | 'ageOf'>
}

/** Tokens of an issuer whose revocations are not known live at most this long, in seconds. */
const MAX_UNKNOWN_TTL_S = 300
/** What may be wrong with a token only because a copy lacks a key. */
const MAY_LACK: ReadonlySet<Verdict> = new Set(['UNKNOWN_KEY', 'ISSUER_KEYS_UNAVAILABLE'])

/**
 * Creates the function. A token is valid if its issuer is admitted and speaks for its domain (identity), if statements
 * lead from the audience's owner to its operator (permission), and if what is known of revocations is fresh enough
 * (freshness). Nothing in the token chooses what it is checked against, except the issuer among those accepted.
 */
export function createVerifyForeign(deps: VerifyForeignDeps): VerifyForeign {
  const { knowledge, tokenStatus, genuine, decideTrust, logs, introspect, lists, now, settings } = deps

  const { findIssuer, findDomain } = createFinders(knowledge, now)
  const readWith = async (token: string, known: KnownIssuer, isFresh: boolean) => {
    const read = genuine(token, known)
    if (isFresh || !('verdict' in read) || !MAY_LACK.has(read.verdict)) return { issuer: known, read }
    // The copy may lack keys that were stored since it was read.
    const issuer = await knowledge.rereadIssuer(known.issuer)
    return issuer?.isEnabled === true ? { issuer, read: genuine(token, issuer) } : { issuer: known, read }
  }
  const checkTimes = (issuer: KnownIssuer, { iat, nbf, exp }: ForeignClaims): Verdict | undefined => {
    const nowS = Math.floor(now() / 1_000)
    if (nowS >= exp + settings.skewS) return 'TOKEN_EXPIRED'
    if (nowS < nbf - settings.skewS) return 'TOKEN_NOT_YET_VALID'
    // A token of this second may have been issued before the issuer was enabled.
    if (iat <= issuer.acceptedFromS) return 'ISSUER_DISABLED'
    return exp - iat > longestTtlS(issuer) ? 'LIFETIME_TOO_LONG' : undefined
  }
  /** Asks the issuer, where that is how its revocations are known. Returns when it was asked about the token. */
  const ask = async (
    { issuer, genuine: { claims } }: Exclude<Look, { readonly verdict: Verdict }>,
    token: string,
  ): Promise<number | undefined | Verdict> => {
    if (issuer.mode === 'status_list') await lists.renew(issuer, claims)
    if (issuer.mode !== 'introspection') return undefined
    const answer = await introspect(issuer, token).catch(() => undefined)
    if (answer === undefined) return 'ISSUER_REVOCATIONS_STALE'
    return answer.isActive ? answer.askedAt.wall : 'TOKEN_REVOKED'
  }

  /** Does all checks that can be done again: with `isFresh`, by rows that are read now, and else by copies. */
  const look = async (token: string, { issuer: text, wanted }: ForeignDemands, isFresh: boolean): Promise<Look> => {
    const known = await findIssuer(text, isFresh)
    if (known === undefined) return { verdict: 'ISSUER_NOT_TRUSTED' }
    if (!known.isEnabled) return { verdict: 'ISSUER_DISABLED' }
    const { issuer, read } = await readWith(token, known, isFresh)
    if ('verdict' in read) return read
    const { claims } = read.genuine
    const domain = await findDomain(issuer, claims)
    if (domain === undefined) return { verdict: 'SUBJECT_OUTSIDE_NAMESPACE' }
    const refusal = checkTimes(issuer, claims) ?? checkDemands(claims, domain, wanted)
    if (refusal !== undefined) return { verdict: refusal }
    const trusted = await decideTrust({ issuer, domain, claims, wanted, isFresh })
    if (trusted === undefined || now() >= trusted.exp * 1_000) return { verdict: 'TRUST_NOT_FOUND' }
    if (!wanted.scope.every((scope) => trusted.scopes.includes(scope))) return { verdict: 'SCOPE_MISSING' }
    if (trusted.mustBeBound && claims.cnf === undefined) return { verdict: 'TOKEN_NOT_BOUND' }
    return { issuer, domain, trusted, genuine: read.genuine }
  }

  return async (token, demands) => {
    let found = await look(token, demands, false)
    if ('verdict' in found) return invalid(found.verdict)
    const unproven = demands.checkSender(found.genuine.claims)
    if (unproven !== undefined) return invalid(unproven)
    const askedAt = await ask(found, token)
    if (typeof askedAt === 'string') return ended(askedAt)
    // What a copy said has ended, but a newer statement may say the same again.
    if ((await tokenStatus.checkTrust(found.trusted.basis)) !== undefined) {
      found = await look(token, demands, true)
      if ('verdict' in found) return ended(found.verdict)
      // Last of all that waits, so that every end whose call returned before this verification began is seen.
      const gone = await tokenStatus.checkTrust(found.trusted.basis)
      if (gone !== undefined) return ended(gone)
    }
    const { issuer, domain, trusted } = found
    const { claims } = found.genuine
    const verdict = checkAbroad(deps, issuer, found.genuine, trusted) ?? checkTimes(issuer, claims)
    if (verdict !== undefined) return ended(verdict)
    // The statement may have expired while the issuer or the database answered.
    if (now() >= trusted.exp * 1_000) return invalid('TRUST_NOT_FOUND')
    const listAge = issuer.mode === 'status_list' ? lists.ageOf(issuer, claims) : undefined
    const trust = trustOf(found, askedAt ?? listAge?.asOf ?? logs.asOf(issuer.issuer), domain)
    return { valid: true, claims, trust: { ...trust, ...(listAge && { maxStalenessMs: listAge.maxMs }) } }
  }
}

/** Returns how long tokens of an issuer may live, in seconds. */
export function longestTtlS({ mode, maxTokenTtlS }: Pick<KnownIssuer, 'mode' | 'maxTokenTtlS'>): number {
  return mode === 'none' ? Math.min(maxTokenTtlS, MAX_UNKNOWN_TTL_S) : maxTokenTtlS
}

/** A genuine token with all that was found about it, or the verdict. */
type Look =
  | {
      readonly issuer: KnownIssuer
      readonly domain: KnownDomain
      readonly trusted: Trusted
      readonly genuine: GenuineForeign
    }
  | { readonly verdict: Verdict }

function trustOf(
  { issuer, trusted, genuine: { claims } }: Exclude<Look, { readonly verdict: Verdict }>,
  revocationsAsOf: number | undefined,
  domain: KnownDomain,
): ForeignTrust {
  return {
    issuer,
    trusted,
    keysAsOf: issuer.keysAsOf,
    domainAsOf: domain.provenAt,
    revocationsAsOf,
    maxStalenessMs: issuer.mode === 'none' ? (claims.exp - claims.iat) * 1_000 : issuer.maxStalenessMs,
  }
}

/**
 * The operator's domain is that of the proof. The subject of a token of the kind `oauth` may be any text, even a DID.
 */
function checkDemands(
  claims: ForeignClaims,
  { domain, operatorId }: KnownDomain,
  { audience, operators, attestation }: Requirements,
): Verdict | undefined {
  if (!audience.some((each) => claims.aud.includes(each))) return 'AUDIENCE_MISMATCH'
  const isTrusted = operators.length === 0 || operators.includes(operatorId) || operators.includes(domain)
  if (!isTrusted) return 'OPERATOR_NOT_TRUSTED'
  // No statement says what the attestors of another deployment are worth here.
  return attestation === undefined ? undefined : 'ATTESTATION_REQUIRED'
}

/** Looks up the token, and the statements of other deployments, in the logs and lists of those deployments. */
function checkAbroad(
  { logs, lists }: Pick<VerifyForeignDeps, 'logs' | 'lists'>,
  issuer: KnownIssuer,
  { agent, claims, kid }: GenuineForeign,
  trusted: Trusted,
): Verdict | undefined {
  if (issuer.mode === 'status_list') {
    const verdict = lists.check(issuer, claims)
    if (verdict !== undefined) return verdict
  }
  if (issuer.mode === 'log') {
    if (agent === undefined) return 'ISSUER_REVOCATIONS_STALE'
    const verdict = checkAtHome(logs, issuer, tokenIdentity(agent, kid), agent.exp)
    if (verdict !== undefined) return verdict
  }
  return checkStatementsAbroad(logs, trusted)
}

function invalid(reason: Verdict): ForeignVerification {
  return { valid: false, reason, revoked: false }
}

/** The verdicts on a genuine token that a revocation has ended. */
const REVOKED: ReadonlySet<Verdict> = new Set<Verdict>([
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'ISSUER_DISABLED',
  'TRUST_ENDED',
])

/** A genuine token that is not valid, or no longer. */
function ended(reason: Verdict): ForeignVerification {
  return { valid: false, reason, revoked: REVOKED.has(reason) }
}
