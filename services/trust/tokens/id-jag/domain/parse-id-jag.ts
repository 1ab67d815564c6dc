import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { parseAudiences } from '@auth4agent/core/token/audience'
import { isThumbprint } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { MAX_SUB } from '../../../issuers/subjects/domain/read-new-subject.ts'

/**
 * An Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant, "ID-JAG Claims"): an
 * identity provider lets a client act for a user at one authorization server. Times are in Unix seconds.
 */
export interface IdJag {
  readonly iss: string
  /** Empty if the claim is missing. */
  readonly tenant: string
  readonly sub: string
  readonly aud: string
  readonly clientId: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly resources: readonly string[]
  readonly scopes: readonly string[]
  /** Thumbprint of the key that the grant is bound to; undefined for a grant without `cnf`. */
  readonly jkt: string | undefined
  /** The user of this deployment, if the identity provider names one. */
  readonly audSub: string | undefined
}

/** A rule of the administrator names no such text, and PostgreSQL stores no NUL. */
const CONTROL = /\p{Cc}/u
const JTI = /^[\x21-\x7e]{1,256}$/

/**
 * Reads the payload of an ID-JAG strictly. It ignores claims that only describe the user, such as `email`: no user is
 * ever found by them. It refuses claims that restrict the grant in a way that is not enforced here.
 *
 * Narrower than the draft: `scope` and `resource` must be there, and `aud` must be a text, not a list.
 *
 * @returns the grant, or what the payload must be
 */
export function parseIdJag(payload: JsonObject): { readonly grant: IdJag } | Demand {
  const { iss, sub, aud, tenant = '', client_id: clientId, jti, iat, nbf = iat, exp } = payload
  if (!isText(iss, 2048)) return { demand: 'iss must be the identity provider' }
  if (!isText(sub, MAX_SUB))
    return { demand: `sub must be a text of 1 to ${MAX_SUB} characters, no control characters` }
  if (!isText(aud, 2048)) return { demand: 'aud must be one text, not a list' }
  if (!isText(clientId, 512)) return { demand: 'client_id must be the DID of the agent' }
  if (Object.hasOwn(payload, 'tenant') && !isText(tenant, MAX_SUB)) {
    return { demand: `tenant must be a text of 1 to ${MAX_SUB} characters, no control characters` }
  }
  if (!isText(jti, 256) || !JTI.test(jti)) return { demand: 'jti must be 1 to 256 visible ASCII characters' }
  if (!isUnixSeconds(iat) || !isUnixSeconds(exp) || !isUnixSeconds(nbf))
    return { demand: 'iat, exp and nbf must be whole Unix seconds' }
  if (nbf > iat || exp <= iat) return { demand: 'exp must be after iat, and nbf not after iat' }
  const restrictions = readRestrictions(payload, clientId)
  if ('demand' in restrictions) return restrictions
  const allowed = readAllowed(payload)
  if ('demand' in allowed) return allowed
  return { grant: { iss, tenant: String(tenant), sub, aud, clientId, jti, iat, exp, ...restrictions, ...allowed } }
}

type Demand = { readonly demand: string }

function readRestrictions(payload: JsonObject, clientId: string): Pick<IdJag, 'jkt' | 'audSub'> | Demand {
  const { act, cnf, aud_sub: audSub } = payload
  for (const name of ['authorization_details', 'aud_tenant', 'may_act']) {
    if (Object.hasOwn(payload, name)) return { demand: `${name} must be missing` }
  }
  if (Object.hasOwn(payload, 'act') && !isOnly(act, 'sub', clientId)) {
    return { demand: 'act must be missing, or have only sub: the DID in client_id' }
  }
  const jkt = isJsonObject(cnf) ? cnf['jkt'] : undefined
  if (Object.hasOwn(payload, 'cnf') && !(isThumbprint(jkt) && isOnly(cnf, 'jkt', jkt))) {
    return { demand: 'cnf must be missing, or have only jkt: the SHA-256 thumbprint of a key' }
  }
  if (Object.hasOwn(payload, 'aud_sub') && typeof audSub !== 'string') return { demand: 'aud_sub must be a text' }
  return { jkt: isThumbprint(jkt) ? jkt : undefined, audSub: typeof audSub === 'string' ? audSub : undefined }
}

function readAllowed({ resource, scope }: JsonObject): Pick<IdJag, 'resources' | 'scopes'> | Demand {
  const named: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  const texts = named.filter((each) => typeof each === 'string')
  const audiences = texts.length === named.length && texts.length > 0 ? parseAudiences(texts) : undefined
  if (audiences === undefined) return { demand: 'resource must be 1 to 8 audiences' }
  const scopes = typeof scope === 'string' ? parseScopeString(scope) : undefined
  if (scopes === undefined || scopes.length === 0) return { demand: 'scope must be 1 to 64 scope-tokens' }
  return { resources: audiences.map(({ text }) => text), scopes }
}

function isOnly(value: unknown, name: string, text: string): boolean {
  return isJsonObject(value) && Object.keys(value).length === 1 && value[name] === text
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max && !CONTROL.test(value)
}
