import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { GRANT_ALGORITHM, GRANT_TYPE, type Hop } from '@auth4agent/core/delegation/grant-types'
import { compareCapabilities } from '@auth4agent/core/delegation/order'
import { DETAIL_TYPE, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import type { ChainRefusal, GrantReason } from '@auth4agent/core/delegation/refusal'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isJsonObject, type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { writeTime } from '../times.ts'
import { argumentsText } from './constraint-text.ts'

/** The values that a refusal compares, for people. Each text names the member and its value, such as `del_depth 2`. */
export interface Compared {
  readonly grant?: string | undefined
  readonly parent?: string | undefined
  readonly statement?: string | undefined
  /** The arguments of a call. */
  readonly call?: string | undefined
  /** What the refused grant allows. */
  readonly allowed?: string | undefined
  readonly proof?: string | undefined
  readonly now?: string | undefined
}

/** Claims that a reason compares: of the grant, of its parent and of the statement about its holder. */
interface Claims {
  readonly grant?: readonly string[]
  readonly parent?: readonly string[]
  readonly statement?: readonly string[]
}

const CLAIMS: Readonly<Partial<Record<GrantReason, Claims>>> = {
  GRANT_REPEATED: { grant: ['jti'] },
  NOT_BY_HOLDER: { grant: ['iss'] },
  PARENT_MISMATCH: { grant: ['par_hash'] },
  DEPTH_OUT_OF_SEQUENCE: { grant: ['del_depth'], parent: ['del_depth'] },
  DEPTH_EXCEEDED: { grant: ['del_depth', 'del_max_depth'], parent: ['del_max_depth'] },
  DEPTH_RAISED: { grant: ['del_max_depth'], parent: ['del_max_depth'] },
  LIFETIME_EXTENDED: { grant: ['exp'], parent: ['exp'], statement: ['exp'] },
  ISSUED_BEFORE_PARENT: { grant: ['iat'], parent: ['iat'] },
  GRANT_NOT_YET_VALID: { grant: ['iat'], statement: ['iat'] },
  LIFETIME_TOO_LONG: { grant: ['iat', 'exp'], statement: ['iat', 'exp'] },
  GRANT_EXPIRED: { grant: ['exp'], statement: ['exp'] },
  HOLDER_NOT_ALLOWED: { statement: ['sub'] },
  HOLDERS_WIDENED: { grant: ['a4a_to'] },
}

const TIMES: ReadonlySet<string> = new Set(['iat', 'exp'])
/** Longest value of a grant that is printed. */
const MAX_VALUE = 300

/** A JWT of a chain, as it is written. Nothing in it is verified. */
interface Written {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** Returns the values that the refusal of a chain compares, read from its text. `hops` are the genuine grants. */
export function comparedValues(
  { reason, hop }: Pick<ChainRefusal, 'reason' | 'hop'>,
  text: string,
  hops: readonly Hop[],
  nowS: number,
): Compared {
  if (hop === undefined) return {}
  const grants = text.split('~')
  const grant = readWritten(grants[hop] ?? '')
  const parent = hops[hop - 1]
  const { a4a_holder: holder } = grant.claims
  const statement = readWritten(typeof holder === 'string' ? holder : '')
  const { grant: ofGrant = [], parent: ofParent = [], statement: ofStatement = [] } = CLAIMS[reason] ?? {}
  return dropEmpty({
    grant: claimsText(grant.claims, ofGrant) ?? otherText(reason, grant, parent),
    parent: claimsText(readWritten(grants[hop - 1] ?? '').claims, ofParent) ?? parentText(reason, grant, parent),
    statement: claimsText(statement.claims, ofStatement) ?? STATEMENT_TEXTS[reason]?.(statement, parent),
    now: reason === 'GRANT_EXPIRED' || reason === 'GRANT_NOT_YET_VALID' ? timeText(nowS) : undefined,
  })
}

function dropEmpty(compared: Compared): Compared {
  return Object.fromEntries(Object.entries(compared).filter(([, value]) => value !== undefined))
}

function claimsText(claims: JsonObject, names: readonly string[]): string | undefined {
  const present = names.filter((name) => Object.hasOwn(claims, name))
  return present.length === 0 ? undefined : present.map((name) => `${name} ${valueText(name, claims[name])}`).join(', ')
}

function valueText(name: string, value: unknown): string {
  if (TIMES.has(name) && typeof value === 'number') return timeText(value)
  return typeof value === 'string' ? value.slice(0, MAX_VALUE) : shortJson(value)
}

/** Writes a time as the rules do, and for people. */
function timeText(seconds: number): string {
  return Number.isSafeInteger(Math.floor(seconds)) && Math.abs(seconds) < 8.64e12
    ? `${Math.floor(seconds)} (${writeTime(Math.floor(seconds))})`
    : String(seconds)
}

function shortJson(value: unknown): string {
  return JSON.stringify(value).slice(0, MAX_VALUE)
}

type Write = (written: Written, parent: Hop | undefined) => string | undefined

/** What the grant has, for reasons that compare more than the values of claims. */
const GRANT_TEXTS: Readonly<Partial<Record<GrantReason, Write>>> = {
  UNSUPPORTED_ALGORITHM: ({ header }) => algText(header),
  SIGNATURE_INVALID: ({ header }) => `kid ${shortJson(header.kid)}`,
  WRONG_ISSUER: ({ claims }, parent) => (parent === undefined ? claimsText(claims, ['iss']) : undefined),
  RESTRICTION_UNKNOWN: ({ claims }) => claimNames(claims),
  ROOT_EXPECTED: ({ header, claims }) =>
    [headerText(header), claimsText(claims, ['del_depth', 'par_hash'])].filter(Boolean).join(', '),
  MALFORMED_GRANT: ({ header }, parent) => (isPlainHeader(header, parent) ? undefined : headerText(header)),
  KEY_NOT_ADMITTED: ({ claims }) => jwkText(claims),
  HOLDER_KEY_MISMATCH: ({ claims }) => keyText(claims),
  UNKNOWN_DETAIL_TYPE: ({ claims }) => `the types ${detailTypes(claims)}`,
  UNKNOWN_CONSTRAINT: ({ claims }) => malformedText('UNKNOWN_CONSTRAINT', claims),
  MALFORMED_CONSTRAINT: ({ claims }) => malformedText('MALFORMED_CONSTRAINT', claims),
}

function otherText(reason: GrantReason, written: Written, parent: Hop | undefined): string | undefined {
  const write = GRANT_TEXTS[reason]
  if (write !== undefined) return write(written, parent)
  return widenedText(reason, written.claims, parent, ([capability, map]) => `${capability} ${argumentsText(map)}`)
}

/** Writes an algorithm that is not the right one. */
function algText({ alg }: JsonObject): string | undefined {
  return alg === undefined || alg === GRANT_ALGORITHM ? undefined : `alg ${shortJson(alg)}`
}

function claimNames(claims: JsonObject): string | undefined {
  const names = Object.keys(claims)
  return names.length === 0 ? undefined : `the claims ${names.join(', ').slice(0, MAX_VALUE)}`
}

function headerText(header: JsonObject): string | undefined {
  return Object.keys(header).length === 0 ? undefined : `the header ${shortJson(header)}`
}

/** Tells whether a header has nothing wrong. Then the fault is in the claims or in the encoding. */
function isPlainHeader({ typ, ...others }: JsonObject, parent: Hop | undefined): boolean {
  const right = parent === undefined ? ['alg', 'kid'] : ['alg']
  return typ === GRANT_TYPE && Object.keys(others).every((name) => right.includes(name))
}

/** Writes only the names of the members, because one may be a private key. */
function jwkText({ cnf }: JsonObject): string | undefined {
  const jwk = isJsonObject(cnf) && isJsonObject(cnf.jwk) ? cnf.jwk : {}
  return `jwk of the type ${shortJson([jwk.kty, jwk.crv])} with the members ${Object.keys(jwk).join(', ')}`
}

function keyText({ cnf }: JsonObject): string | undefined {
  const jwk = isJsonObject(cnf) ? readPublicJwk(cnf.jwk) : undefined
  return jwk && `the key ${jwkThumbprint(jwk)}`
}

function detailTypes({ authorization_details: details }: JsonObject): string {
  const list: readonly unknown[] = Array.isArray(details) ? details : []
  return list.map((entry) => (isJsonObject(entry) ? String(entry['type']) : shortJson(entry))).join(', ')
}

function toolsOf({ authorization_details: details }: JsonObject): readonly (readonly [string, unknown])[] {
  const [entry] = Array.isArray(details) ? details : []
  return isJsonObject(entry) && isJsonObject(entry['tools']) ? Object.entries(entry['tools']) : []
}

function malformedText(reason: GrantReason, claims: JsonObject): string | undefined {
  const found = toolsOf(claims).find(([capability, map]) => {
    const read = parseCapabilities([{ type: DETAIL_TYPE, tools: { [capability]: map } }])
    return !read.ok && read.reason === reason
  })
  return found && `${found[0]} with ${shortJson(found[1])}`
}

type Entry = readonly [capability: string, map: Parameters<typeof argumentsText>[0]]

/** Writes the first capability that is wider than the parent's. */
function widenedText(
  reason: GrantReason,
  { authorization_details: details }: JsonObject,
  parent: Hop | undefined,
  write: (entry: Entry, limits: Capabilities) => string | undefined,
): string | undefined {
  const read = parseCapabilities(details)
  if (!read.ok || parent === undefined) return undefined
  const limits = parent.capabilities
  const found = [...read.value].find((entry) => compareCapabilities(new Map([entry]), limits)?.reason === reason)
  return found && write(found, limits)
}

function parentText(reason: GrantReason, { claims }: Written, parent: Hop | undefined): string | undefined {
  if (parent === undefined) return undefined
  if (reason === 'HOLDER_NOT_ALLOWED' || reason === 'HOLDERS_WIDENED')
    return `a4a_to ${shortJson(parent.allowedDomains)}`
  return widenedText(reason, claims, parent, ([capability], limits) => {
    const limit = limits.get(capability)
    return limit === undefined ? [...limits.keys()].join(', ') : `${capability} ${argumentsText(limit)}`
  })
}

/** What the statement has, for reasons that compare more than the values of claims. */
const STATEMENT_TEXTS: Readonly<Partial<Record<GrantReason, Write>>> = {
  HOLDER_UNKNOWN: ({ header }) => headerText(header),
  UNSUPPORTED_ALGORITHM: ({ header }) => algText(header),
  WRONG_ISSUER: ({ claims }) => claimsText(claims, ['iss']),
  RESTRICTION_UNKNOWN: ({ claims }) => claimNames(claims),
  HOLDER_KEY_MISMATCH: ({ claims }) => (isJsonObject(claims.cnf) ? `the key ${String(claims.cnf.jkt)}` : undefined),
}

/** Writes the claims of a DPoP proof that a request must match. */
export function proofText(proof: string): string | undefined {
  return claimsText(readWritten(proof).claims, ['htm', 'htu', 'iat', 'ath'])
}

function readWritten(text: string): Written {
  const [header = '', claims = ''] = text.split('.')
  return { header: readPart(header), claims: readPart(claims) }
}

function readPart(part: string): JsonObject {
  const bytes = decodeBase64url(part)
  const json = bytes && parseStrictJson(bytes)
  return json?.ok ? json.value : {}
}
