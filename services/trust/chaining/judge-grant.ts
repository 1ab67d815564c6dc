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
} from '@auth4agent/core/trust/chaining-grant'
import { checkStatementsAbroad, checkVouched } from '../foreign/check-abroad.ts'
import type { Trusted } from '../foreign/decide-trust.ts'
import { createFinders } from '../foreign/find-issuer.ts'
import { hasKeys } from '../foreign/genuine-foreign.ts'
import type { VerifyForeignDeps } from '../foreign/verify-foreign.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'

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
export interface JudgeGrantDeps
  extends Pick<VerifyForeignDeps, 'knowledge' | 'now' | 'settings' | 'tokenStatus' | 'decideTrust' | 'logs'> {
  /** The issuer of this deployment. */
  readonly issuer: string
  readonly operators: {
    lookupAudienceOwner(request: {
      readonly host: string
      readonly audiences: string[]
    }): Promise<{ readonly operatorId: string }>
  }
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
  const { tokenStatus, logs } = deps
  const look = createLook(deps)
  return async (text, demands) => {
    let found = await look(text, demands, false)
    if ('refused' in found) return found
    // What a copy said has ended, but a newer statement may say the same again.
    if ((await tokenStatus.checkTrust(found.trusted.basis)) !== undefined) {
      found = await look(text, demands, true)
      if ('refused' in found) return found
      const gone = await tokenStatus.checkTrust(found.trusted.basis)
      if (gone !== undefined) return { refused: gone }
    }
    const stale = checkFreshness(deps, found) ?? checkStatementsAbroad(logs, found.trusted)
    if (stale !== undefined) return { refused: stale }
    const { grant, kid, issuer, trusted } = found
    const { generation, maxTokenTtlS } = issuer
    return { grant, kid, generation, maxTokenTtlS, trusted }
  }
}

interface Signed {
  readonly grant: ChainingGrant
  readonly kid: string
  readonly issuer: KnownIssuer
}

type Look = (
  text: string,
  demands: GrantDemands,
  isFresh: boolean,
) => Promise<(Signed & { readonly trusted: Trusted }) | { readonly refused: GrantRefusal }>

/** Makes the function that does all checks that can be done again, by copies or by rows that are read now. */
function createLook(deps: JudgeGrantDeps): Look {
  const { findDomain, findIssuer } = createFinders(deps.knowledge, deps.now)
  const readSigned = createReadSigned(deps, findIssuer)
  return async (text, demands, isFresh) => {
    const signed = await readSigned(text, isFresh)
    if ('refused' in signed) return signed
    const { grant, issuer } = signed
    const untimely = grant.aud === deps.issuer ? checkTimes(deps, signed) : 'AUDIENCE_MISMATCH'
    if (untimely !== undefined) return { refused: untimely }
    demands.checkClient(grant)
    const domain = await findDomain(issuer, grant)
    if (domain === undefined) return { refused: 'SUBJECT_OUTSIDE_NAMESPACE' }
    const ended = checkFreshness(deps, signed)
    if (ended !== undefined) return { refused: ended }
    const trusted = await decide(deps, signed, domain, demands, isFresh)
    return typeof trusted === 'string' ? { refused: trusted } : { ...signed, trusted }
  }
}

/** Makes the function that reads a grant, and verifies its signature under the keys of the issuer that it names. */
function createReadSigned({ now }: JudgeGrantDeps, findIssuer: ReturnType<typeof createFinders>['findIssuer']) {
  return async (text: string, isFresh: boolean): Promise<Signed | { readonly refused: Verdict }> => {
    const jws = parseCompactJws(text, RULES)
    if (!jws.ok) return { refused: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
    const grant = parseChainingGrant(jws.payload)
    if (grant === undefined) return { refused: 'MALFORMED_TOKEN' }
    const { kid, alg } = jws.header
    const known = await findIssuer(grant.iss, isFresh)
    // The copy may lack keys that were stored since it was read.
    const lacksKey = !isFresh && known !== undefined && !(hasKeys(known, now()) && known.keys.has(kid))
    const issuer = lacksKey ? await findIssuer(grant.iss, true) : known
    // What was issued for a grant must end with it, so the revocations of its issuer must be known.
    if (issuer === undefined || issuer.kind !== 'auth4agent' || issuer.mode !== 'log') {
      return { refused: 'ISSUER_NOT_TRUSTED' }
    }
    if (!issuer.isEnabled) return { refused: 'ISSUER_DISABLED' }
    if (!hasKeys(issuer, now())) return { refused: 'ISSUER_KEYS_UNAVAILABLE' }
    const key = issuer.keys.get(kid)
    if (key === undefined) return { refused: 'UNKNOWN_KEY' }
    if (key.alg !== alg || !issuer.algorithms.includes(alg)) return { refused: 'UNSUPPORTED_ALGORITHM' }
    return key.verify(jws.signingInput, jws.signature) ? { grant, kid, issuer } : { refused: 'SIGNATURE_INVALID' }
  }
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

async function decide(
  deps: JudgeGrantDeps,
  { grant, issuer }: Signed,
  domain: KnownDomain,
  demands: GrantDemands,
  isFresh: boolean,
): Promise<Trusted | GrantRefusal> {
  const { resource } = grant
  if (demands.resource !== undefined && demands.resource !== resource) return 'AUDIENCE_UNKNOWN'
  // No operator owns the issuer, even if its host is under the domain of an operator.
  const host = resource === deps.issuer ? undefined : parseAudience(resource)?.host
  const owner =
    host === undefined ? undefined : await deps.operators.lookupAudienceOwner({ host, audiences: [resource] })
  if (owner === undefined || owner.operatorId === '') return 'AUDIENCE_UNKNOWN'
  const allowed = grant.scope.split(' ')
  const scopes = demands.scope ?? allowed
  if (!scopes.every((scope) => allowed.includes(scope))) return 'SCOPE_MISSING'
  const ask = async (scope: string) => {
    const { sub, client_id, operator_id, epoch, iss, jti, iat, exp } = grant
    const claims = { sub, client_id, operator_id, epoch, iss, jti, iat, nbf: iat, exp, aud: [resource], scope }
    const wanted = { audience: [resource], scope: [], operators: [] }
    return deps.decideTrust({ issuer, domain, claims, wanted, isFresh })
  }
  const trusted = await ask(scopes.join(' '))
  if (trusted !== undefined) return deps.now() < trusted.exp * 1_000 ? trusted : 'TRUST_NOT_FOUND'
  return (await ask('')) === undefined ? 'TRUST_NOT_FOUND' : 'SCOPE_MISSING'
}
