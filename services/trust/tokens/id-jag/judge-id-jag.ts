import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { ID_JAG_TYPE } from '../../../keys/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { TrustDeps } from '../../config.ts'
import { hasKeys } from '../../decide/issuer-keys.ts'
import type { KnownIssuer } from '../../issuers/known-issuer.ts'
import { findRule, type SubjectRule } from '../../issuers/subjects/store.ts'
import { type IdJag, parseIdJag } from './domain/parse-id-jag.ts'

/** An ID-JAG that is valid here now, the user that it is about, and what a token for it rests on. */
export interface JudgedIdJag {
  readonly grant: IdJag
  /** `kid` of the key of the identity provider. */
  readonly kid: string
  /** The generation of the identity provider here. */
  readonly generation: number
  readonly rule: SubjectRule
}

/** An agent of this deployment. */
interface Client {
  readonly did: string
  readonly operatorId: string
}

/**
 * Judges an ID-JAG that an agent has sent. The ID-JAG is only read: the issuer of a token for it must also record its
 * use. Throws ApiError GRANT_NOT_ACCEPTED, UNAVAILABLE.
 */
export type JudgeIdJag = (text: string, client: Client) => Promise<JudgedIdJag>

/**
 * Longest lifetime of an ID-JAG, and of a token from its `iat`, in seconds. Nothing tells when an identity provider
 * ends a user, so this is also how long a user may act after that.
 */
export const MAX_ID_JAG_TTL_S = 300
const MAX_BYTES = 8_192
const RETRY_AFTER_S = 5
const RULES = { maxBytes: MAX_BYTES, algs: TOKEN_ALGORITHMS, typs: [ID_JAG_TYPE] }

type Deps = Pick<TrustDeps, 'db' | 'knowledge' | 'now' | 'settings' | 'issuer'>

/** Creates the function. docs/protocol.md section 6 gives the order of the checks. */
export function createJudgeIdJag(deps: Deps): JudgeIdJag {
  const { db, knowledge } = deps
  return async (text, client) => {
    const { grant, kid, verify } = read(text)
    // From the primary: its generation decides whether the token ends with the next DisableIssuer.
    const { row: issuer } = await knowledge.current.issuer(grant.iss, (row) => ({ ok: true, row }) as const)
    if (issuer?.kind !== 'oauth') throw refuse('iss must be an identity provider that the administrator has admitted')
    if (!issuer.isEnabled) throw refuse('iss must be an identity provider that is not disabled')
    verify(issuer, deps.now())
    checkClaims(deps, grant, issuer)
    if (grant.clientId !== client.did) throw refuse('client_id must be the client that has sent it')
    const rule = await findRule(db.pool, issuer.id, grant, client.operatorId)
    if (rule === undefined) {
      throw refuse("a rule of the administrator must map tenant and sub for agents of the client's operator")
    }
    if (grant.audSub !== undefined && grant.audSub !== rule.subject) {
      throw refuse('aud_sub must be missing, or the user to whom the rule maps sub')
    }
    return { grant, kid, generation: issuer.generation, rule }
  }
}

/** Reads an ID-JAG. `verify` throws unless one of the keys of the issuer has signed it. */
function read(text: string) {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) {
    throw refuse(`the ${jws.part} must be that of a JWT with typ ${ID_JAG_TYPE}, a kid and an allowed alg (${jws.why})`)
  }
  const parsed = parseIdJag(jws.payload)
  if ('demand' in parsed) throw refuse(parsed.demand)
  const { kid, alg } = jws.header
  const verify = (issuer: KnownIssuer, nowMs: number): void => {
    if (!issuer.algorithms.includes(alg)) throw refuse(`alg must be ${issuer.algorithms.join(' or ')}`)
    if (!hasKeys(issuer, nowMs)) {
      throw new ApiError('UNAVAILABLE', verdicts.ISSUER_KEYS_UNAVAILABLE, { isFault: false, retryAfter: RETRY_AFTER_S })
    }
    // The key is looked up under this issuer only, so no grant is accepted under the key of another one.
    const key = issuer.keys.get(kid)
    if (key === undefined || key.alg !== alg) throw refuse('kid must name a published key of the issuer, for this alg')
    if (!key.verify(jws.signingInput, jws.signature)) throw refuse('the signature must be by the key that kid names')
  }
  return { grant: parsed.grant, kid, verify }
}

function checkClaims({ issuer: own, now, settings }: Deps, grant: IdJag, issuer: KnownIssuer): void {
  const { aud, iat, exp } = grant
  const nowS = Math.floor(now() / 1_000)
  if (aud !== own) throw refuse(`aud must be exactly ${own}`)
  if (exp - iat > MAX_ID_JAG_TTL_S) throw refuse(`exp must be at most ${MAX_ID_JAG_TTL_S} seconds after iat`)
  if (nowS >= exp + settings.skewS) throw refuse('exp must not have passed')
  if (iat > nowS + settings.skewS) throw refuse('iat must not be in the future')
  // A grant of the second of the admission may have been issued before it.
  if (iat <= issuer.acceptedFromS) throw refuse('iat must be after the issuer was last enabled')
}

function refuse(demand: string): ApiError {
  return new ApiError('GRANT_NOT_ACCEPTED', `In the ID-JAG, ${demand}`)
}
