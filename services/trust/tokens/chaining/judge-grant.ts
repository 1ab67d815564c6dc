import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import {
  CHAINING_GRANT_TYPE,
  type ChainingGrant,
  ID_JAG_TYPE,
  MAX_CHAINING_GRANT_BYTES,
  MAX_CHAINING_GRANT_TTL_S,
  parseChainingGrant,
} from '../../../keys/index.ts'
import type { TrustDeps } from '../../config.ts'
import { type ByLogDeps, decideByLog } from '../../decide/by-log.ts'
import { checkStatementsAbroad, checkVouched, type Logs } from '../../decide/freshness.ts'
import { admit, type Identified, identify, subjectOf } from '../../decide/identify.ts'
import { hasKeys } from '../../decide/issuer-keys.ts'
import { joinLegs, permit, type Trusted } from '../../decide/permit.ts'
import { foreignNode } from '../../decide/read-statements.ts'
import type { Rows } from '../../decide/rows.ts'
import type { KnownIssuer } from '../../issuers/known-issuer.ts'

/** A grant of another deployment that is valid here now, and all that it rests on. */
export interface JudgedGrant {
  readonly grant: ChainingGrant
  /** `kid` of the key of the other deployment that signed it. */
  readonly kid: string
  /** The generation of its issuer here. */
  readonly generation: number
  /** The longest lifetime of tokens that the administrator allows the issuer, in seconds. */
  readonly maxTokenTtlS: number
  readonly trusted: Trusted
}

/** What the client wants for a grant. */
export interface GrantDemands {
  /** Checks that the sender is the client of the grant. Throws its refusal. */
  readonly checkClient: (grant: ChainingGrant) => void
  /** Some of the scopes of the grant; undefined for all of them. */
  readonly scope: readonly string[] | undefined
  /** Must be the audience of the grant; undefined if the client names none. */
  readonly resource: string | undefined
}

/** Why a grant gives no token: a verdict, or that nobody here owns the audience, or that a scope is not allowed. */
export type GrantRefusal = Verdict | 'AUDIENCE_UNKNOWN'

/** Judges a grant of another deployment. */
export type JudgeGrant = (
  text: string,
  demands: GrantDemands,
) => Promise<JudgedGrant | { readonly refused: GrantRefusal }>

/** Dependencies of createJudgeGrant. */
export interface JudgeGrantDeps extends ByLogDeps, Pick<TrustDeps, 'now' | 'settings'> {
  readonly logs: Logs
  /** The issuer of this deployment. */
  readonly issuer: string
}

const RULES = {
  maxBytes: MAX_CHAINING_GRANT_BYTES,
  algs: TOKEN_ALGORITHMS,
  typs: [ID_JAG_TYPE, CHAINING_GRANT_TYPE],
}

/**
 * Creates the function. docs/protocol.md section 6 gives the order of the checks. The grant is only read: the
 * caller that issues a token for it must also record that it was used.
 */
export function createJudgeGrant(deps: JudgeGrantDeps): JudgeGrant {
  return async (text, demands) => {
    const found = await decideByLog(deps, (rows) => look(deps, rows, text, demands))
    if ('refused' in found) return { refused: found.refused }
    const stale = checkFreshness(deps, found) ?? checkStatementsAbroad(deps.logs, found.trusted)
    if (stale !== undefined) return { refused: stale }
    const { grant, kid, issuer, trusted } = found
    const { generation, maxTokenTtlS } = issuer
    return { grant, kid, generation, maxTokenTtlS, trusted }
  }
}

interface Signed {
  readonly ok: true
  readonly grant: ChainingGrant
  readonly kid: string
  readonly issuer: KnownIssuer
}

type Refused = { readonly refused: GrantRefusal }

/** Does all checks that can be done again by other rows. */
async function look(
  deps: JudgeGrantDeps,
  rows: Rows,
  text: string,
  demands: GrantDemands,
): Promise<(Signed & { readonly trusted: Trusted; readonly basis: Trusted['basis'] }) | Refused> {
  const signed = await readSigned(deps, rows, text)
  if ('refused' in signed) return signed
  const { grant, issuer } = signed
  const untimely = grant.aud === deps.issuer ? checkTimes(deps, signed) : 'AUDIENCE_MISMATCH'
  if (untimely !== undefined) return { refused: untimely }
  demands.checkClient(grant)
  const identity = await rows.issuer(grant.iss, (row) =>
    identify(row?.generation === issuer.generation ? row : issuer, row && subjectOf(row, grant), deps.now()),
  )
  if (!identity.ok) return identity
  const ended = checkFreshness(deps, signed)
  if (ended !== undefined) return { refused: ended }
  const trusted = await findTrusted(deps, rows, grant, identity, demands)
  return typeof trusted === 'string' ? { refused: trusted } : { ...signed, trusted, basis: trusted.basis }
}

/** A refusal of a signature. It is final if other rows would say the same. */
const refuse = (refused: Verdict, isFinal = false) => ({ ok: false, refused, isFinal }) as const

/** Reads a grant, and verifies its signature under the keys of the issuer that it names. */
async function readSigned({ now }: JudgeGrantDeps, rows: Rows, text: string): Promise<Signed | Refused> {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return { refused: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
  const grant = parseChainingGrant(jws.payload)
  if (grant === undefined) return { refused: 'MALFORMED_TOKEN' }
  const { kid, alg } = jws.header
  return rows.issuer(grant.iss, (row) => {
    // What was issued for a grant must end with it, so the revocations of its issuer must be known.
    if (row?.kind !== 'auth4agent' || row.mode !== 'log') return refuse('ISSUER_NOT_TRUSTED')
    const admitted = admit(row)
    if (!admitted.ok) return admitted
    if (!hasKeys(row, now())) return refuse('ISSUER_KEYS_UNAVAILABLE')
    const key = row.keys.get(kid)
    if (key === undefined) return refuse('UNKNOWN_KEY')
    if (key.alg !== alg || !row.algorithms.includes(alg)) return refuse('UNSUPPORTED_ALGORITHM', true)
    return key.verify(jws.signingInput, jws.signature)
      ? ({ ok: true, grant, kid, issuer: row } as const)
      : refuse('SIGNATURE_INVALID', true)
  })
}

function checkTimes({ now, settings }: JudgeGrantDeps, { grant, issuer }: Signed): Verdict | undefined {
  const { iat, exp, token } = grant
  const nowS = Math.floor(now() / 1_000)
  if (exp - iat > MAX_CHAINING_GRANT_TTL_S) return 'LIFETIME_TOO_LONG'
  if (nowS >= exp + settings.skewS || nowS >= token.exp) return 'TOKEN_EXPIRED'
  if (iat > nowS + settings.skewS) return 'TOKEN_NOT_YET_VALID'
  // A grant of the second of the admission may have been issued before it.
  return iat <= issuer.acceptedFromS ? 'ISSUER_DISABLED' : undefined
}

function checkFreshness({ logs }: Pick<JudgeGrantDeps, 'logs'>, { grant, kid, issuer }: Signed): Verdict | undefined {
  const { sub, operator_id: operatorId, epoch, edge, token } = grant
  return checkVouched(logs, issuer, { ...token, kids: [token.kid, kid], epoch, edge, sub, operatorId })
}

/** Finds out whether the owner of the grant's audience lets the grant's operator call it with the scopes. */
async function findTrusted(
  { now, issuer: own }: JudgeGrantDeps,
  rows: Rows,
  grant: ChainingGrant,
  identity: Identified,
  demands: GrantDemands,
): Promise<Trusted | GrantRefusal> {
  const { resource, operator_id: operatorId } = grant
  if (demands.resource !== undefined && demands.resource !== resource) return 'AUDIENCE_UNKNOWN'
  // No operator owns the issuer, even if its host is under the domain of an operator.
  const audience = resource === own ? undefined : parseAudience(resource)
  const isOwned = audience && (await rows.owner(audience, ({ operatorId: owner }) => ({ ok: owner !== '' })))
  if (audience === undefined || isOwned?.ok !== true) return 'AUDIENCE_UNKNOWN'
  const allowed = grant.scope.split(' ')
  const scopes = demands.scope ?? allowed
  if (!scopes.every((scope) => allowed.includes(scope))) return 'SCOPE_MISSING'
  const caller = { node: foreignNode(identity.issuer.issuer, identity.domain.domain, operatorId), operatorId }
  const ask = async (those: readonly string[]) => {
    const permission = await permit(rows, { caller, audience, scopes: those, nowMs: now() })
    return permission.ok ? joinLegs(identity, permission, audience) : undefined
  }
  const trusted = await ask(scopes)
  if (trusted !== undefined) return now() < trusted.exp * 1_000 ? trusted : 'TRUST_NOT_FOUND'
  return (await ask([])) === undefined ? 'TRUST_NOT_FOUND' : 'SCOPE_MISSING'
}
