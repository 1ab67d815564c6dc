import { parseAudience } from '@auth4agent/core/token/audience'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Span } from '../../platform/trace/span.ts'
import type { TrustDeps } from '../config.ts'
import { type ByLogDeps, decideByLog } from '../decide/by-log.ts'
import { checkAtHome, checkStatementsAbroad } from '../decide/freshness.ts'
import { admit, type Identified, identify, subjectOf } from '../decide/identify.ts'
import { longestTtlS } from '../decide/issuer-keys.ts'
import { joinLegs, permit, type Trusted } from '../decide/permit.ts'
import { foreignNode } from '../decide/read-statements.ts'
import type { Rows } from '../decide/rows.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { ForeignLists } from '../issuers/revocations/foreign-lists.ts'
import type { ForeignLogs } from '../issuers/revocations/foreign-logs.ts'
import type { Introspect } from '../issuers/revocations/introspect.ts'
import type { createGenuineForeign, GenuineForeign } from './genuine-foreign.ts'
import type { ForeignClaims } from './oauth-claims.ts'

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
  /** The call that verifies. */
  readonly span?: Span | undefined
}

/** Verifies tokens of foreign issuers. */
export type VerifyForeign = (token: string, demands: ForeignDemands) => Promise<ForeignVerification>

/** Dependencies of createVerifyForeign. */
export interface VerifyForeignDeps extends ByLogDeps, Pick<TrustDeps, 'now' | 'settings'> {
  readonly genuine: ReturnType<typeof createGenuineForeign>
  readonly logs: Pick<ForeignLogs, 'of' | 'asOf'>
  readonly introspect: Introspect
  readonly lists: Pick<ForeignLists, 'renew' | 'check' | 'ageOf'>
}

/**
 * Creates the function. A token is valid if its issuer is admitted and speaks for its domain (identity), if statements
 * lead from the audience's owner to its operator (permission), and if what is known of revocations is fresh enough
 * (freshness). Nothing in the token chooses what it is checked against, except the issuer among those accepted.
 */
export function createVerifyForeign(deps: VerifyForeignDeps): VerifyForeign {
  const { now, logs, lists } = deps
  return async (token, demands) => {
    let askedAt: number | undefined
    let sender: { readonly unproven: Verdict | undefined } | undefined
    const prove = async ({ issuer, genuine: { claims } }: Found) => {
      // A proof counts once, and other rows say nothing about it.
      sender ??= { unproven: demands.checkSender(claims) }
      if (sender.unproven !== undefined) return { refused: sender.unproven, isEnded: false }
      // By other rows, the issuer may have another mode.
      askedAt = undefined
      if (issuer.mode === 'status_list') await lists.renew(issuer, claims)
      if (issuer.mode !== 'introspection') return undefined
      const answer = await deps.introspect(issuer, token, demands.span).catch(() => undefined)
      askedAt = answer?.askedAt.wall
      if (answer?.isActive === true) return undefined
      const refused: Verdict = answer === undefined ? 'ISSUER_REVOCATIONS_STALE' : 'TOKEN_REVOKED'
      return { refused, isEnded: true }
    }
    const found = await decideByLog(deps, (rows) => look(deps, rows, token, demands), prove)
    if ('refused' in found) return refuse(found.refused, found.isEnded)
    const { issuer, domain, trusted, genuine } = found
    const { claims } = genuine
    const verdict = checkAbroad(deps, found) ?? checkTimes(deps, issuer, claims)
    if (verdict !== undefined) return refuse(verdict, true)
    // The statement may have expired while the issuer or the database answered.
    if (now() >= trusted.exp * 1_000) return refuse('TRUST_NOT_FOUND', false)
    const list = issuer.mode === 'status_list' ? lists.ageOf(issuer, claims) : undefined
    const maxStalenessMs = issuer.mode === 'none' ? (claims.exp - claims.iat) * 1_000 : issuer.maxStalenessMs
    const trust = {
      issuer,
      trusted,
      keysAsOf: issuer.keysAsOf,
      domainAsOf: domain.provenAt,
      revocationsAsOf: askedAt ?? list?.asOf ?? logs.asOf(issuer.issuer),
      maxStalenessMs: list?.maxMs ?? maxStalenessMs,
    }
    return { valid: true, claims, trust }
  }
}

/** The verdicts on a genuine token that a revocation has ended. */
const REVOKED: ReadonlySet<Verdict> = new Set<Verdict>([
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'ISSUER_DISABLED',
  'TRUST_ENDED',
])

/** `isEnded`: a genuine token that is not valid any more. */
function refuse(reason: Verdict, isEnded: boolean): ForeignVerification {
  return { valid: false, reason, revoked: isEnded && REVOKED.has(reason) }
}

/** A genuine token of an operator that is identified. */
interface Genuine extends Identified {
  readonly genuine: GenuineForeign
}

/** A genuine token with all that was found about it. */
interface Found extends Genuine {
  readonly trusted: Trusted
  readonly basis: Trusted['basis']
}

/** Does all checks that can be done again by other rows. */
async function look(
  deps: VerifyForeignDeps,
  rows: Rows,
  token: string,
  { issuer: text, wanted }: ForeignDemands,
): Promise<Found | { readonly refused: Verdict }> {
  const identified = await rows.issuer(text, (row) => identifyToken(deps, row, token))
  if (!identified.ok) return { refused: identified.refused }
  const { claims } = identified.genuine
  const refused = checkTimes(deps, identified.issuer, claims) ?? checkDemands(identified, wanted)
  if (refused !== undefined) return { refused }
  const trusted = await findTrusted(deps, rows, identified, wanted)
  if (trusted === undefined) return { refused: 'TRUST_NOT_FOUND' }
  if (!wanted.scope.every((scope) => trusted.scopes.includes(scope))) return { refused: 'SCOPE_MISSING' }
  if (trusted.mustBeBound && claims.cnf === undefined) return { refused: 'TOKEN_NOT_BOUND' }
  return { ...identified, trusted, basis: trusted.basis }
}

/** What may be wrong with a token only because a row lacks a key. */
const MAY_LACK: ReadonlySet<Verdict> = new Set(['UNKNOWN_KEY', 'ISSUER_KEYS_UNAVAILABLE'])

/** Decides the leg `identity` of a token, whose subject counts only under a key of the issuer. */
function identifyToken(
  { genuine, now }: VerifyForeignDeps,
  row: KnownIssuer | undefined,
  token: string,
): Genuine | { readonly ok: false; readonly refused: Verdict; readonly isFinal?: boolean } {
  const admitted = admit(row)
  if (!admitted.ok) return admitted
  const read = genuine(token, admitted.issuer)
  if ('verdict' in read) return { ok: false, refused: read.verdict, isFinal: !MAY_LACK.has(read.verdict) }
  const identity = identify(row, subjectOf(admitted.issuer, read.genuine.claims), now())
  return identity.ok ? { ...identity, ...read } : identity
}

function checkTimes(
  { now, settings }: Pick<VerifyForeignDeps, 'now' | 'settings'>,
  issuer: KnownIssuer,
  { iat, nbf, exp }: ForeignClaims,
): Verdict | undefined {
  const nowS = Math.floor(now() / 1_000)
  if (nowS >= exp + settings.skewS) return 'TOKEN_EXPIRED'
  if (nowS < nbf - settings.skewS) return 'TOKEN_NOT_YET_VALID'
  // A token of this second may have been issued before the issuer was enabled.
  if (iat <= issuer.acceptedFromS) return 'ISSUER_DISABLED'
  return exp - iat > longestTtlS(issuer) ? 'LIFETIME_TOO_LONG' : undefined
}

/**
 * The operator's domain is that of the proof. The subject of a token of the kind `oauth` may be any text, even a DID.
 */
function checkDemands(
  { genuine: { claims }, domain: { domain, operatorId } }: Genuine,
  { audience, operators, attestation }: Requirements,
): Verdict | undefined {
  if (!audience.some((each) => claims.aud.includes(each))) return 'AUDIENCE_MISMATCH'
  const isTrusted = operators.length === 0 || operators.includes(operatorId) || operators.includes(domain)
  if (!isTrusted) return 'OPERATOR_NOT_TRUSTED'
  // No statement says what the attestors of another deployment are worth here.
  return attestation === undefined ? undefined : 'ATTESTATION_REQUIRED'
}

/** Finds the first of the wanted audiences that the owner lets the token's operator call. */
async function findTrusted(
  { now }: VerifyForeignDeps,
  rows: Rows,
  identified: Genuine,
  wanted: Requirements,
): Promise<Trusted | undefined> {
  const { issuer, domain, genuine } = identified
  const { aud, scope, operator_id: operatorId } = genuine.claims
  const caller = { node: foreignNode(issuer.issuer, domain.domain, operatorId), operatorId }
  const scopes = scope === '' ? [] : scope.split(' ')
  for (const text of aud.filter((each) => wanted.audience.includes(each))) {
    const audience = parseAudience(text)
    if (audience === undefined) continue
    const permission = await permit(rows, { caller, audience, scopes, nowMs: now() })
    const trusted = permission.ok ? joinLegs(identified, permission, audience) : undefined
    if (trusted !== undefined) return now() < trusted.exp * 1_000 ? trusted : undefined
  }
  return undefined
}

/** Looks up the token, and the statements of other deployments, in the logs and lists of those deployments. */
function checkAbroad(
  { logs, lists }: Pick<VerifyForeignDeps, 'logs' | 'lists'>,
  { issuer, trusted, genuine: { agent, claims, kid } }: Found,
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
