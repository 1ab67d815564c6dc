import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { OPERATOR_APPROVAL_TYPE } from '@auth4agent/core/identity/operator-approval'
import type { OperatorJwk, RootJwk } from '@auth4agent/core/identity/operator-manifest'
import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { signP256 } from '@auth4agent/core/keys/ecdsa-p256'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { signOperatorManifest } from '../../clients/sdk/src/sign-operator-manifest.ts'

/** A key of an operator's team. */
export interface TeamKey<Jwk extends OperatorJwk = OperatorJwk> {
  readonly jwk: Jwk
  readonly kid: string
  readonly label: string
  readonly alg: 'EdDSA' | 'ES256'
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** A root key, or any other Ed25519 key. */
export interface RootTeamKey extends TeamKey<RootJwk> {
  readonly publicKey: Uint8Array
}

/** Creates an Ed25519 key with a label. */
export function ed25519Key(label: string): RootTeamKey {
  const { publicKey, privateKey } = generateKeyPair()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
  return { jwk, kid: jwkThumbprint(jwk), label, alg: 'EdDSA', publicKey, sign: (message) => sign(privateKey, message) }
}

/** Creates a P-256 key with a label. */
export function p256Key(label: string): TeamKey {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  })
  const jwk = readPublicJwk(publicKey.export({ format: 'jwk' }))
  if (jwk?.kty !== 'EC') throw new TypeError('Node must make a P-256 key')
  return { jwk, kid: jwkThumbprint(jwk), label, alg: 'ES256', sign: (message) => signP256(privateKey, message) }
}

/** Signs a JWS with a key of a team. Header and claims may be invalid. */
export function signWith(key: TeamKey, header: object, claims: object): string {
  const input = `${encode({ alg: key.alg, kid: key.kid, ...header })}.${encode(claims)}`
  return `${input}.${encodeBase64url(key.sign(Buffer.from(input)))}`
}

/** The call that an assertion or an approval is for. */
export interface SignedFor {
  readonly operatorId: string
  readonly issuer: string
  readonly nowS: number
  readonly rpc: string
  readonly body: Uint8Array
}

/** Claims that replace the good ones. A claim that is undefined is left out. */
export type ClaimEdits = Readonly<Record<string, unknown>>

/** Returns an Authorization header with an assertion that is valid for a minute and covers the body. */
export function assertBy(key: TeamKey, call: SignedFor, edits: ClaimEdits = {}): string {
  return `Bearer ${signWith(key, { typ: OPERATOR_ASSERTION_TYPE }, { ...claimsOf(call, 60), ...edits })}`
}

/** Returns an approval that is valid for a day. */
export function approveBy(key: TeamKey, call: SignedFor, edits: ClaimEdits = {}, header: object = {}): string {
  return signWith(key, { typ: OPERATOR_APPROVAL_TYPE, ...header }, { ...claimsOf(call, 86_400), ...edits })
}

/** An operational key with its roles and times. */
interface Membership {
  readonly key: TeamKey
  readonly roles: readonly OperatorRole[]
  readonly nbf?: number
  readonly exp?: number
}

/** The content of a manifest. */
export interface Team {
  readonly operatorId: string
  readonly issuer: string
  readonly nowS: number
  readonly seq: number
  readonly roots: readonly RootTeamKey[]
  readonly threshold?: number
  readonly members?: readonly Membership[]
}

/** Signs a manifest. */
export function manifestBy(signer: RootTeamKey, { roots, threshold = 1, members = [], nowS, ...rest }: Team) {
  return signOperatorManifest(
    { publicKey: signer.publicKey, sign: async (message) => signer.sign(message) },
    {
      ...rest,
      nowS,
      threshold,
      rootKeys: roots.map(({ jwk, label }) => ({ jwk, label })),
      keys: members.map(({ key: { jwk, label }, roles, nbf = nowS - 60, exp = nowS + 86_400 }) => ({
        jwk,
        label,
        roles,
        nbf,
        exp,
      })),
    },
  )
}

function claimsOf({ operatorId, issuer, nowS, rpc, body }: SignedFor, lifetimeS: number) {
  return {
    iss: operatorId,
    sub: operatorId,
    aud: issuer,
    iat: nowS,
    exp: nowS + lifetimeS,
    jti: randomUUID(),
    rpc,
    body: createHash('sha256').update(body).digest('base64url'),
  }
}

function encode(value: object): string {
  return encodeBase64url(Buffer.from(JSON.stringify(value)))
}
