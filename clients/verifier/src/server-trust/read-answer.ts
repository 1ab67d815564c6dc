import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { importKeySet, type KeySet } from '@auth4agent/core/jose/key-set'
import { isDomain } from '../chain-wanted.ts'
import { isIssuer } from '../issuer-options.ts'
import { readScopeMap, type ScopeMap } from '../scope-map.ts'

/** That agents of an operator of another deployment may call an audience, as the own deployment says. */
export interface Admission {
  readonly issuer: string
  readonly domain: string
  readonly operatorId: string
  readonly scopes: ScopeMap
  /** Ids of all edges that it rests on. */
  readonly edges: readonly string[]
  readonly authors: readonly Author[]
  /** When it ends by itself, in Unix milliseconds. */
  readonly expiresAt: number
}

/** The operator that signed a statement. */
interface Author {
  readonly edge: string
  readonly operatorId: string
  readonly epoch: number
  /** The issuer of its deployment; empty for the own one. */
  readonly home: string
}

/** An issuer, as far as the verification of its tokens must know it. */
export interface AdmittedIssuer {
  readonly issuer: string
  /** `oauth` issuers have tokens of another form. */
  readonly kind: string
  readonly algorithms: readonly string[]
  /** How its revocations are known: `log`, `introspection`, `status_list` or `none`. */
  readonly mode: string
  readonly maxTokenTtlS: number
  readonly maxStalenessMs: number
  readonly generation: number
  /** Only tokens that were issued later count, in Unix milliseconds. */
  readonly acceptedFrom: number
  readonly keys: KeySet
  /** When its keys were fetched, and until when they may be used, in Unix milliseconds. */
  readonly keysAsOf: number
  readonly keysUsableUntil: number
}

/** One page of admissions. */
export interface AdmissionPage {
  readonly admissions: readonly Admission[]
  readonly issuers: ReadonlyMap<string, AdmittedIssuer>
  readonly boundOnly: boolean
  readonly position: Position
  /** Unix milliseconds. */
  readonly asOf: number
  readonly maxAgeS: number
  /** Empty on the last page. */
  readonly next: string
}

/** A place in the revocation log. */
export interface Position {
  readonly logEpoch: number
  readonly sequence: number
}

/** The most edges and signers of one admission. A path has at most three statements. */
const MAX = { edges: 8, authors: 3 }

/**
 * Reads a page of admissions. `before` are keys that need not be imported again.
 *
 * Throws TypeError for an answer that is not as the contract says. It must not name `own`, whose tokens are verified
 * without admissions, or an issuer that it does not describe. Two issuers may have one key, because anybody can
 * publish the keys of others: a key counts only for tokens that name its issuer.
 */
export function readPage(json: JsonObject, own: string, before: KeySet): AdmissionPage {
  const issuers = new Map(list(json, 'issuers').map((each) => [text(each, 'issuer'), readIssuer(each, before)]))
  const admissions = list(json, 'admissions').map(readAdmission)
  const named = admissions.flatMap(({ issuer, authors }) => [issuer, ...authors.map(({ home }) => home)])
  const unknown = named.find((issuer) => issuer !== '' && !issuers.has(issuer))
  if (unknown !== undefined) throw new TypeError(`The admissions name ${unknown} but do not describe it`)
  if (issuers.has(own)) throw new TypeError(`The admissions must not name ${own} itself`)
  return {
    admissions,
    issuers,
    boundOnly: json['bound_only'] === true,
    position: readPosition(text(json, 'position')),
    asOf: time(json, 'as_of'),
    maxAgeS: count(json, 'max_age'),
    next: text(json, 'next_page_token'),
  }
}

function readAdmission(row: JsonObject): Admission {
  const edges = texts(row, 'edge_ids')
  const authors = list(row, 'authors').map(readAuthor)
  const [issuer, domain, operatorId] = [text(row, 'issuer'), text(row, 'domain'), text(row, 'operator_id')]
  const isNamed = isIssuer(issuer) && isDomain(domain) && isUuid(operatorId)
  const isCount = edges.length >= 2 && edges.length <= MAX.edges && authors.length >= 1 && authors.length <= MAX.authors
  // The record that ends a statement names its edge.
  const isWhole = authors.every(({ edge }) => edges.includes(edge)) && edges.every(isUuid)
  if (!isNamed || !isCount || !isWhole) throw new TypeError('The answer must consist of admissions')
  const scopes = Object.fromEntries(list(row, 'scopes').map((each) => [text(each, 'scope'), texts(each, 'values')]))
  return {
    issuer,
    domain,
    operatorId,
    scopes: readScopeMap(scopes),
    edges,
    authors,
    expiresAt: time(row, 'expires_at'),
  }
}

function readAuthor(row: JsonObject): Author {
  const home = row['home'] === undefined ? '' : text(row, 'home')
  return { edge: text(row, 'edge_id'), operatorId: text(row, 'operator_id'), epoch: count(row, 'epoch'), home }
}

function readIssuer(row: JsonObject, before: KeySet): AdmittedIssuer {
  const keys = importKeySet({ keys: row['keys'] }, before)
  if (keys === undefined) throw new TypeError('keys must be public keys')
  return {
    issuer: text(row, 'issuer'),
    kind: text(row, 'kind'),
    algorithms: texts(row, 'algorithms'),
    mode: text(row, 'revocation_mode'),
    maxTokenTtlS: count(row, 'max_token_ttl'),
    maxStalenessMs: count(row, 'max_staleness_ms'),
    generation: count(row, 'generation'),
    acceptedFrom: optionalTime(row, 'accepted_from'),
    keys,
    keysAsOf: optionalTime(row, 'keys_as_of'),
    keysUsableUntil: optionalTime(row, 'keys_usable_until'),
  }
}

function readPosition(position: string): Position {
  const [, logEpoch = '', sequence = ''] = /^(\d{1,10})-(\d{1,15})$/.exec(position) ?? []
  if (sequence === '') throw new TypeError('position must be a place in the revocation log')
  return { logEpoch: Number(logEpoch), sequence: Number(sequence) }
}

function text(row: JsonObject, name: string): string {
  const value = row[name]
  if (typeof value === 'string' && value.length <= 1_024) return value
  throw new TypeError(`${name} must be a text`)
}

function count(row: JsonObject, name: string): number {
  const value = row[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new TypeError(`${name} must be a number`)
}

function time(row: JsonObject, name: string): number {
  const ms = Date.parse(text(row, name))
  if (Number.isFinite(ms)) return ms
  throw new TypeError(`${name} must be a time`)
}

function optionalTime(row: JsonObject, name: string): number {
  return row[name] === null || row[name] === undefined ? 0 : time(row, name)
}

function list(row: JsonObject, name: string): readonly JsonObject[] {
  const value = row[name]
  if (Array.isArray(value) && value.every(isJsonObject)) return value
  throw new TypeError(`${name} must be a list`)
}

function texts(row: JsonObject, name: string): readonly string[] {
  const value = row[name]
  if (Array.isArray(value) && value.every((each): each is string => typeof each === 'string')) return value
  throw new TypeError(`${name} must be a list of texts`)
}
