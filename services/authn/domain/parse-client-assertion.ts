import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { uuidv8FromHash } from '@auth4agent/core/encoding/uuid'
import { CLIENT_ASSERTION_TYPE } from '@auth4agent/core/identity/client-assertion'
import { parseDid } from '@auth4agent/core/identity/did'
import { ED25519_ALGORITHMS, type JwsRules, type ParsedJws, parseCompactJws } from '@auth4agent/core/jose/jws'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { assertionDemand } from '../../calls/assertion-demands.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AgentProof, CoveredTerms } from './agent-proof.ts'
import { bindingOf } from './token-request.ts'

/** The values that a client assertion must match. */
export interface ClientAssertionRules {
  readonly issuer: string
  /** URL of the token endpoint, if assertions may also name it as their audience. */
  readonly tokenEndpoint: string | undefined
  /** Unix seconds. */
  readonly nowS: number
  readonly skewS: number
  /** Whether RS256 is accepted too. Agents have no RSA keys, but other clients may. */
  readonly rsa?: boolean
}

/** A client assertion whose signature is not verified yet. */
export interface ParsedClientAssertion {
  readonly proof: AgentProof
  /** Whether the audience is the token endpoint instead of the issuer. */
  readonly namesEndpoint: boolean
}

const RULES: JwsRules = {
  maxBytes: 4096,
  algs: [...ED25519_ALGORITHMS, 'ES256'],
  typs: [CLIENT_ASSERTION_TYPE, 'JWT', ''],
  kid: 'optional',
}
const RULES_WITH_RSA: JwsRules = { ...RULES, algs: [...RULES.algs, 'RS256'] }
/** The longest time until an assertion expires, in seconds. */
const MAX_LIFETIME_S = 300
const MAX_JTI = 128
const DIGEST = /^[\w-]{43}$/
const REFUSALS: AgentProof['refusals'] = {
  used: () => new ApiError('ASSERTION_USED', 'The assertion has already been used: sign a new one for each request'),
  expired: () => new ApiError('ASSERTION_EXPIRED'),
  // The server makes no assertions, so their keys cannot be deleted.
  void: () => new ApiError('INVALID_ASSERTION'),
  unbound: () => new ApiError('BINDING_REQUIRED', UNBOUND),
}
const UNBOUND =
  'The client assertion must contain the claims scope and resource, and may_act if the request has it, because the ' +
  'operator requires it'

/**
 * Parses a client assertion (RFC 7523 section 3), and checks all of it except the signature. `clientId` is the
 * parameter client_id; empty if the request does not contain it.
 *
 * The claims `scope`, `resource`, `may_act`, `details` and `subject_token` are additional to the RFC: the signature
 * then covers these terms of the token.
 *
 * @throws ApiError INVALID_ASSERTION, ASSERTION_EXPIRED, UNSUPPORTED_AUTHORIZATION_DETAILS
 */
export function parseClientAssertion(
  text: string,
  clientId: string,
  rules: ClientAssertionRules,
): ParsedClientAssertion {
  const form = rules.rsa === true ? RULES_WITH_RSA : RULES
  const jws = parseCompactJws(text, form)
  if (!jws.ok) throw new ApiError('INVALID_ASSERTION', assertionDemand(jws, form))
  const { iss, sub, jti } = jws.payload
  if (typeof iss !== 'string' || iss !== sub) throw invalid('iss and sub must be the same text: the id of the client')
  if (clientId !== '' && clientId !== iss)
    throw new ApiError('INVALID_ASSERTION', 'The parameter client_id must be the same text as iss and sub')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI)
    throw invalid(`jti must be a text of 1 to ${MAX_JTI} characters`)
  const namesEndpoint = checkAudience(jws, rules)
  const exp = readClientTimes(jws, rules)
  const covered = coveredTerms(jws)
  const proof: AgentProof = {
    did: iss,
    message: jws.signingInput,
    signature: jws.signature,
    kid: jws.header.kid,
    alg: jws.header.alg,
    covered,
    isFullyBound: covered.scope !== undefined && covered.aud !== undefined,
    id: uuidv8FromHash(hash('sha256', JSON.stringify(['client-assertion', iss, jti]), 'buffer')),
    exp: exp + rules.skewS,
    challengeKeyId: '',
    refusals: REFUSALS,
    wrongKey: invalid,
  }
  return { proof, namesEndpoint }
}

/** Returns whether the audience is the token endpoint. */
function checkAudience({ payload }: ParsedJws, { issuer, tokenEndpoint }: ClientAssertionRules): boolean {
  const { aud } = payload
  const named: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (named === issuer) return false
  if (tokenEndpoint !== undefined && named === tokenEndpoint) return true
  throw invalid(`aud must be exactly the issuer, ${issuer}`)
}

/** `iat` and `nbf` are optional (RFC 7523), so the lifetime is counted from now. */
function readClientTimes({ payload }: ParsedJws, { nowS, skewS }: ClientAssertionRules): number {
  const { exp, iat = 1, nbf = 1 } = payload
  if (!isUnixSeconds(exp) || !isUnixSeconds(iat) || !isUnixSeconds(nbf))
    throw invalid('exp, iat and nbf must be whole Unix seconds')
  if (Math.max(iat, nbf) > nowS + skewS) throw invalid('iat and nbf must not be in the future')
  if (exp > nowS + MAX_LIFETIME_S + skewS) throw invalid(`exp must be at most ${MAX_LIFETIME_S} seconds ahead`)
  if (nowS >= exp + skewS) throw new ApiError('ASSERTION_EXPIRED')
  if (exp <= Math.max(iat, nbf)) throw invalid('exp must be after iat and nbf')
  return exp
}

function coveredTerms({ payload }: ParsedJws): CoveredTerms {
  const { scope: scopeText, resource, authorization_details: details } = payload
  if (details !== undefined) throw new ApiError('UNSUPPORTED_AUTHORIZATION_DETAILS')
  const scope = typeof scopeText === 'string' ? parseScopeString(scopeText) : undefined
  if (scopeText !== undefined && scope === undefined) throw invalid('scope must be scope-tokens with spaces between')
  const audience = resource === undefined ? undefined : parseResource(resource)
  return {
    ...bindingOf({ scope, audience, ttl: undefined, mayAct: parseParty(payload.may_act) }),
    ...digestIn(payload, 'details', 'authorization_details'),
    ...digestIn(payload, 'subject_token', 'subject_token'),
  }
}

/** Reads a claim that covers a parameter by its digest. */
function digestIn(payload: JsonObject, claim: 'details' | 'subject_token', parameter: string) {
  const digest = payload[claim]
  if (digest === undefined) return {}
  if (typeof digest === 'string' && DIGEST.test(digest)) return { [claim]: digest }
  throw invalid(`${claim} must be the SHA-256 of the parameter ${parameter} in base64url`)
}

/** Parses the claim may_act (RFC 8693 section 4.4). */
function parseParty(party: unknown): string | undefined {
  if (party === undefined) return undefined
  const sub = isJsonObject(party) && Object.keys(party).length === 1 ? party.sub : undefined
  if (typeof sub === 'string' && parseDid(sub) !== undefined) return sub
  throw invalid('may_act must be an object with only sub, the DID of an agent')
}

function parseResource(resource: unknown) {
  const list: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  const texts = list.filter((each) => typeof each === 'string')
  const isList = texts.length === list.length && texts.length > 0 && texts.every((text) => text.includes(':'))
  const audience = isList ? parseAudiences(texts) : undefined
  if (audience === undefined) throw invalid('resource must be 1 to 8 absolute URLs')
  return audience
}

function invalid(problem: string): ApiError {
  return new ApiError('INVALID_ASSERTION', `In the client assertion, ${problem}`)
}
