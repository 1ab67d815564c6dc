import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { readEntityKeys } from '../../../services/federation/domain/entity-keys.ts'
import type { TrustAnchor } from '../../../services/federation/domain/verify-chain.ts'

/** Claims of a statement before it is signed. */
export type Claims = Record<string, unknown>
type Alg = 'EdDSA' | 'Ed25519' | 'ES256' | 'RS256'

/** A key of a federation entity, with the JWK that its entity publishes. */
export interface FederationKey {
  readonly kid: string
  readonly alg: Alg
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
}

/** A statement before it is signed. Tests change it to break a rule. */
export interface StatementPlan {
  signer: FederationKey
  header: Claims
  claims: Claims
}

/** The time at which planned statements are valid, in Unix seconds. */
export const NOW_S = 1_800_000_000
export const HOUR_S = 3_600
export const SUBJECT = 'https://as.example'
export const ANCHOR = 'https://anchor.example'

/** Creates a key. Its JWK has no `use` and no `alg`, as in the examples of the specification. */
export function createKey(alg: Alg = 'EdDSA'): FederationKey {
  const { publicKey, privateKey } = generate(alg)
  const jwk = readPublicJwk(publicKey.export({ format: 'jwk' }))
  if (jwk === undefined) throw new Error('The generated key must be readable')
  const kid = jwkThumbprint(jwk)
  return { kid, alg, privateKey, jwk: { ...jwk, kid } }
}

function generate(alg: Alg) {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
}

export function jwksOf(...keys: readonly Pick<FederationKey, 'jwk'>[]): object {
  return { keys: keys.map(({ jwk }) => jwk) }
}

/** Returns an anchor whose pinned keys are these. */
export function anchorOf(entityId: string, ...keys: readonly FederationKey[]): TrustAnchor {
  const pinned = readEntityKeys(jwksOf(...keys))
  if (pinned === undefined) throw new Error('The keys must be a set')
  return { entityId, keys: pinned }
}

/** Signs a statement as compact JWS. */
export function signStatement({ signer, header, claims }: StatementPlan): string {
  const protectedHeader = { alg: signer.alg, typ: 'entity-statement+jwt', kid: signer.kid, ...header }
  const input = `${encode(protectedHeader)}.${encode(claims)}`
  return `${input}.${encodeBase64url(signBytes(signer, encodeUtf8(input)))}`
}

function signBytes({ alg, privateKey }: FederationKey, bytes: Uint8Array): Uint8Array {
  if (alg === 'EdDSA' || alg === 'Ed25519') return sign(null, bytes, privateKey)
  return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
}

function encode(value: unknown): string {
  return encodeBase64url(encodeUtf8(JSON.stringify(value)))
}

/** Plans the configuration of an entity. */
export function planConfiguration(id: string, key: FederationKey, claims: Claims = {}): StatementPlan {
  return planStatement(id, key, id, key, claims)
}

/** Plans what a superior says about an entity. */
export function planStatement(
  superior: string,
  signer: FederationKey,
  subject: string,
  key: FederationKey,
  claims: Claims = {},
): StatementPlan {
  const times = { iat: NOW_S - HOUR_S, exp: NOW_S + HOUR_S }
  return { signer, header: {}, claims: { iss: superior, sub: subject, ...times, jwks: jwksOf(key), ...claims } }
}

/** A chain whose statements tests may change before they are signed. */
export interface ChainPlan {
  readonly statements: StatementPlan[]
  /** The keys of the entities from the subject to the anchor. */
  readonly keys: readonly FederationKey[]
  anchor: TrustAnchor
}

/** Plans a valid chain. From the subject up, its intermediates are https://i1.example, https://i2.example … */
export function planChain(intermediates = 1): ChainPlan {
  const middle = Array.from({ length: intermediates }, (_, at) => `https://i${at + 1}.example`)
  const entities = [SUBJECT, ...middle, ANCHOR].map((id) => ({ id, key: createKey() }))
  const [subject, top] = [entities[0], entities.at(-1)]
  if (subject === undefined || top === undefined) throw new Error('A chain has a subject and an anchor')
  const configuration = planConfiguration(subject.id, subject.key, {
    authority_hints: [entities[1]?.id],
    metadata: { oauth_authorization_server: { issuer: subject.id } },
  })
  const steps = entities
    .slice(1)
    .map(({ id, key }, at) => planStatement(id, key, entities[at]?.id ?? '', entities[at]?.key ?? key))
  return {
    statements: [configuration, ...steps, planConfiguration(top.id, top.key)],
    keys: entities.map(({ key }) => key),
    anchor: anchorOf(top.id, top.key),
  }
}
