import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { RequiredClaim } from '../../domain/required-claims.ts'

/** The claims of an ID token, of which only the protocol claims have been checked. */
export type Claims = Readonly<Record<string, unknown>>

/** What the operator says about the users of a provider. */
interface UserRule {
  readonly subjectClaim: string
  readonly requiredClaims: readonly RequiredClaim[]
  readonly groupsClaim: string
}

/** A person as the identity provider knows them. */
export interface ProviderUser {
  /** The tenant of a subject that is unique only there; else empty. */
  readonly tenant: string
  readonly sub: string
  /** As the provider says it; may be empty. */
  readonly name: string
  readonly groups: readonly string[]
  /** When the person authenticated, in Unix seconds (`auth_time`); undefined if the provider does not say. */
  readonly authTimeS: number | undefined
  /** The session at the provider (OpenID Connect Front-Channel Logout 1.0 section 3); empty if it does not say. */
  readonly sid: string
}

const MAX_SUBJECT = 255
const CONTROL = /\p{Cc}/u

/**
 * Reads who a person is from the claims of an ID token, and checks that the person is a user of the operator.
 *
 * @throws ApiError SIGN_IN_FAILED
 */
export function readClaims(claims: Claims, { subjectClaim, requiredClaims, groupsClaim }: UserRule): ProviderUser {
  const lacking = requiredClaims.find(({ name, value }) => claimOf(claims, name) !== value)
  if (lacking !== undefined) throw failed(`has another value in the claim ${lacking.name} than the operator requires`)
  return {
    // `oid` of Entra ID is unique only within its tenant; `sub` is unique at its issuer (OpenID Connect Core 1.0).
    tenant: subjectClaim === 'oid' ? readId(claims, 'tid') : '',
    sub: readId(claims, subjectClaim),
    name: readName(claims),
    groups: groupsClaim === '' ? [] : readGroups(claimOf(claims, groupsClaim)),
    authTimeS: readTime(claimOf(claims, 'auth_time')),
    sid: readSid(claimOf(claims, 'sid')),
  }
}

/** Only members of the token itself count, not those that every object has. */
function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function readId(claims: Claims, name: string): string {
  const value = claimOf(claims, name)
  if (isText(value)) return value
  throw failed(`must have a claim ${name} of 1 to ${MAX_SUBJECT} characters`)
}

function readName(claims: Claims): string {
  return ['name', 'preferred_username'].map((name) => claimOf(claims, name)).find(isNonEmpty) ?? ''
}

/** A longer one could not be named by a logout token that counts. */
function readSid(value: unknown): string {
  return isText(value) ? value : ''
}

function readTime(value: unknown): number | undefined {
  return isUnixSeconds(value) ? value : undefined
}

function readGroups(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter(isNonEmpty)
}

function isNonEmpty(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isText(value: unknown): value is string {
  if (!isNonEmpty(value) || !value.isWellFormed() || CONTROL.test(value)) return false
  return value.length <= 2 * MAX_SUBJECT && Array.from(value).length <= MAX_SUBJECT
}

function failed(what: string): ApiError {
  return new ApiError('SIGN_IN_FAILED', `The ID token ${what}`)
}
