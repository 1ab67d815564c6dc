import { decodeBase64url } from '../encoding/base64.ts'
import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { ED25519_ALGORITHMS, type JwsRefusal, type JwsRules, type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { jwkThumbprint, readPublicJwk } from '../jose/public-jwk.ts'
import { admitPublicKey } from '../keys/admit-key.ts'
import { shownName } from '../names/shown-name.ts'
import { isCredentialId } from '../webauthn/credential-id.ts'
import { relyingParty } from '../webauthn/relying-party.ts'
import { comparableLabel, isKeyLabel } from './key-label.ts'
import {
  MAX_MANIFEST_BYTES,
  MAX_OPERATIONAL_KEYS,
  MAX_ROOT_KEYS,
  OPERATOR_KEYS_TYPE,
  type OperationalKey,
  type OperatorJwk,
  type OperatorManifest,
  type PasskeyBinding,
  type RootKey,
} from './operator-manifest.ts'
import { areOperatorRoles, OPERATOR_ROLES } from './operator-roles.ts'

/** Whose manifest a text must be. */
interface ManifestRules {
  readonly operatorId: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /**
   * Set it if the keys were checked before, as those of a stored manifest. Then it is not checked that each key is a
   * point that may be a public key, which takes a millisecond a key.
   */
  readonly keys?: 'admitted'
}

/** What is wrong with a claim of a manifest. */
type ManifestFault = keyof typeof DEMANDS

/** Why a text is not a manifest: it is no JWS of the type, or the member `at` has the fault `why`. */
type ManifestRefusal =
  | JwsRefusal
  | { readonly ok: false; readonly part: 'claim'; readonly at: string; readonly why: ManifestFault }

/** A manifest whose signature is not verified yet: check `jws` with the root key that `jws.header.kid` names. */
export interface ParsedManifest {
  readonly ok: true
  readonly manifest: OperatorManifest
  readonly jws: ParsedJws
}

const JWS_RULES: JwsRules = { maxBytes: MAX_MANIFEST_BYTES, algs: ED25519_ALGORITHMS, typs: [OPERATOR_KEYS_TYPE] }

const KEY_TYPE = 'a public JWK with the members kty, crv and x'
const DEMANDS = {
  object: () => 'must be a JSON object',
  list: () => 'must be a JSON array',
  unknown: () => 'is not a member of a manifest',
  party: ({ operatorId }: ManifestRules) => `must be the operator's id, ${operatorId}`,
  audience: ({ issuer }: ManifestRules) => `must be exactly ${issuer}`,
  seq: () => 'must be a whole number from 1 to 2147483647',
  time: () => 'must be a time in whole Unix seconds',
  order: () => 'must be later than nbf',
  'root-count': () => `must have 1 to ${MAX_ROOT_KEYS} keys`,
  'key-count': () => `must have at most ${MAX_OPERATIONAL_KEYS} keys`,
  threshold: () => 'must be a whole number from 1 to the number of root keys',
  'root-jwk': () => `must be ${KEY_TYPE} of Ed25519`,
  jwk: () => `must be ${KEY_TYPE} of Ed25519, or with kty, crv, x and y of P-256`,
  point: () => 'must be a valid point of the curve, in canonical form and of prime order',
  kid: () => 'must be the RFC 7638 thumbprint of jwk',
  label: () => 'must have 1 to 64 visible characters in Unicode form NFC, with single spaces inside',
  'label-again': () => 'must differ from the labels of all other keys, in more than upper and lower case',
  person: () => 'must have 1 to 64 visible characters in Unicode form NFC, with single spaces inside',
  'person-again': () => 'must equal another name of a person, or differ from it in more than upper and lower case',
  'rp-id': ({ issuer }: ManifestRules) => `must be the host of the issuer, ${relyingParty(issuer)?.id ?? ''}`,
  'credential-id': () => 'must be canonical base64url of 1 to 1023 bytes',
  'key-again': () => 'must be a key that the manifest does not contain yet',
  roles: () => `must name at least one of ${OPERATOR_ROLES.join(', ')}, each once`,
} as const

/**
 * Parses a manifest of an operator's keys strictly: unknown members are refused. It does not verify the signature.
 *
 * @returns the manifest with its JWS, or the first fault. {@link manifestDemand} says what would be right.
 * @example
 * ```ts
 * import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
 *
 * const rules = { operatorId, issuer: 'https://auth.example' }
 * const parsed = parseOperatorManifest(text, rules)
 * if (!parsed.ok) throw new TypeError(manifestDemand(parsed, rules))
 * console.log(parsed.manifest.rootKeys)
 * ```
 */
export function parseOperatorManifest(text: string, rules: ManifestRules): ParsedManifest | ManifestRefusal {
  const jws = parseCompactJws(text, JWS_RULES)
  if (!jws.ok) return jws
  try {
    return { ok: true, manifest: readManifest(jws.payload, rules), jws }
  } catch (thrown) {
    if (thrown instanceof Fault) return { ok: false, part: 'claim', at: thrown.at, why: thrown.why }
    throw thrown
  }
}

/**
 * Returns the sentence that says what would be right for a text that is not a manifest.
 *
 * @example
 * ```ts
 * import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
 *
 * const parsed = parseOperatorManifest(text, rules)
 * if (!parsed.ok) console.log(manifestDemand(parsed, rules)) // 'keys[0].exp of the manifest must be later than nbf'
 * ```
 */
export function manifestDemand(refusal: ManifestRefusal, rules: ManifestRules): string {
  if (refusal.part === 'claim') return `${refusal.at} of the manifest ${DEMANDS[refusal.why](rules)}`
  const subject = refusal.part === 'text' ? 'manifest' : `${refusal.part} of the manifest`
  return `The ${subject} ${jwsDemand(refusal, JWS_RULES)}`
}

/** A fault of one member. It never leaves this module. */
class Fault extends Error {
  readonly at: string
  readonly why: ManifestFault

  constructor(at: string, why: ManifestFault) {
    super(`${at}: ${why}`)
    this.at = at
    this.why = why
  }
}

function demand(isRight: boolean, at: string, why: ManifestFault): asserts isRight {
  if (!isRight) throw new Fault(at, why)
}

function readManifest(claims: JsonObject, rules: ManifestRules): OperatorManifest {
  onlyMembers(claims, '', ['iss', 'sub', 'aud', 'seq', 'iat', 'root', 'keys'])
  const { iss, sub, aud, seq, iat, root, keys } = claims
  demand(iss === rules.operatorId, 'iss', 'party')
  demand(sub === rules.operatorId, 'sub', 'party')
  demand(aud === rules.issuer, 'aud', 'audience')
  demand(isWhole(seq, 1, 2 ** 31 - 1), 'seq', 'seq')
  demand(isUnixSeconds(iat), 'iat', 'time')
  demand(isJsonObject(root), 'root', 'object')
  const seen: Seen = { kids: new Set(), labels: new Set(), persons: new Map() }
  const { threshold, rootKeys } = readRoot(root, rules, seen)
  demand(Array.isArray(keys), 'keys', 'list')
  demand(keys.length <= MAX_OPERATIONAL_KEYS, 'keys', 'key-count')
  const operational = keys.map((key, at) => readOperationalKey(key, `keys[${at}]`, rules, seen))
  return { operatorId: iss, issuer: aud, seq, iat, threshold, rootKeys, keys: operational }
}

/** Thumbprints, labels and persons of the keys that were read already. */
interface Seen {
  readonly kids: Set<string>
  readonly labels: Set<string>
  /** Names of persons, by the form in which they are compared. */
  readonly persons: Map<string, string>
}

function readRoot(root: JsonObject, rules: ManifestRules, seen: Seen) {
  onlyMembers(root, 'root.', ['threshold', 'keys'])
  const { threshold, keys } = root
  demand(Array.isArray(keys), 'root.keys', 'list')
  demand(keys.length >= 1 && keys.length <= MAX_ROOT_KEYS, 'root.keys', 'root-count')
  demand(isWhole(threshold, 1, keys.length), 'root.threshold', 'threshold')
  return { threshold, rootKeys: keys.map((key, at) => readRootKey(key, `root.keys[${at}]`, rules, seen)) }
}

function readRootKey(value: unknown, at: string, rules: ManifestRules, seen: Seen): RootKey {
  demand(isJsonObject(value), at, 'object')
  onlyMembers(value, `${at}.`, ['jwk', 'label'])
  const jwk = readPublicJwk(value['jwk'])
  demand(jwk?.kty === 'OKP', `${at}.jwk`, 'root-jwk')
  return { ...readKey(jwk, at, rules, seen), jwk, label: readLabel(value['label'], at, seen) }
}

function readOperationalKey(value: unknown, at: string, rules: ManifestRules, seen: Seen): OperationalKey {
  demand(isJsonObject(value), at, 'object')
  onlyMembers(value, `${at}.`, ['kid', 'jwk', 'label', 'roles', 'nbf', 'exp', 'webauthn', 'person'])
  const { roles, nbf, exp } = value
  const jwk = readPublicJwk(value['jwk'])
  demand(jwk !== undefined && jwk.kty !== 'RSA', `${at}.jwk`, 'jwk')
  const { kid } = readKey(jwk, at, rules, seen)
  demand(value['kid'] === kid, `${at}.kid`, 'kid')
  const label = readLabel(value['label'], at, seen)
  demand(areOperatorRoles(roles), `${at}.roles`, 'roles')
  demand(isUnixSeconds(nbf), `${at}.nbf`, 'time')
  demand(isUnixSeconds(exp), `${at}.exp`, 'time')
  demand(nbf < exp, `${at}.exp`, 'order')
  const webauthn = readPasskey(value['webauthn'], `${at}.webauthn`, rules)
  const person = readPerson(value['person'], at, seen)
  return { kid, jwk, label, roles, nbf, exp, ...(webauthn && { webauthn }), ...(person !== undefined && { person }) }
}

function readPasskey(value: unknown, at: string, { issuer }: ManifestRules): PasskeyBinding | undefined {
  if (value === undefined) return undefined
  demand(isJsonObject(value), at, 'object')
  onlyMembers(value, `${at}.`, ['rp_id', 'credential_id'])
  const { rp_id: rpId, credential_id: credentialId } = value
  demand(typeof rpId === 'string' && rpId === relyingParty(issuer)?.id, `${at}.rp_id`, 'rp-id')
  demand(typeof credentialId === 'string' && isCredentialId(credentialId), `${at}.credential_id`, 'credential-id')
  return { rpId, credentialId }
}

function readPerson(person: unknown, at: string, { persons }: Seen): string | undefined {
  if (person === undefined) return undefined
  demand(typeof person === 'string' && isKeyLabel(person), `${at}.person`, 'person')
  const comparable = comparableLabel(person)
  demand((persons.get(comparable) ?? person) === person, `${at}.person`, 'person-again')
  persons.set(comparable, person)
  return person
}

function readKey(jwk: OperatorJwk, at: string, { keys }: ManifestRules, { kids }: Seen): { readonly kid: string } {
  const kid = jwkThumbprint(jwk)
  demand(!kids.has(kid), `${at}.jwk`, 'key-again')
  kids.add(kid)
  demand(keys === 'admitted' || isAdmitted(jwk), `${at}.jwk`, 'point')
  return { kid }
}

function isAdmitted(jwk: OperatorJwk): boolean {
  // The reader of JWKs has checked the point of a P-256 key.
  return jwk.kty === 'EC' || admitPublicKey(decodeBase64url(jwk.x) ?? new Uint8Array()).ok
}

function readLabel(label: unknown, at: string, { labels }: Seen): string {
  demand(typeof label === 'string' && isKeyLabel(label), `${at}.label`, 'label')
  const comparable = comparableLabel(label)
  demand(!labels.has(comparable), `${at}.label`, 'label-again')
  labels.add(comparable)
  return label
}

function onlyMembers(object: JsonObject, prefix: string, names: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Fault(`${prefix}${shownName(unknown)}`, 'unknown')
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}
