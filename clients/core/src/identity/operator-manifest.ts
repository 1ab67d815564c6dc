import type { PublicJwk } from '../jose/public-jwk.ts'
import type { OperatorRole } from './operator-roles.ts'

/** `typ` of a manifest of an operator's keys. */
export const OPERATOR_KEYS_TYPE = 'auth4agent-operator-keys+jwt'
/** Largest size of a manifest, in bytes. */
export const MAX_MANIFEST_BYTES = 32_768
/** Largest number of root keys. */
export const MAX_ROOT_KEYS = 9
/** Largest number of operational keys. */
export const MAX_OPERATIONAL_KEYS = 32

/** A public key that an operator may use: Ed25519 or P-256. */
export type OperatorJwk = Exclude<PublicJwk, { readonly kty: 'RSA' }>
/** A public key that an operator may use as root key: Ed25519. */
export type RootJwk = Extract<PublicJwk, { readonly kty: 'OKP' }>

/** A root key of an operator. */
export interface RootKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly jwk: RootJwk
  /** Name of the person who holds the key. */
  readonly label: string
}

/** How a passkey is used. */
export interface PasskeyBinding {
  /** The host for which the authenticator made the passkey: the host of the issuer. */
  readonly rpId: string
  /** The name of the passkey at its authenticator, base64url. */
  readonly credentialId: string
}

/** An operational key of an operator: it has only some roles, and only for some time. */
export interface OperationalKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly jwk: OperatorJwk
  /** Name of the person or program that holds the key. */
  readonly label: string
  readonly roles: readonly OperatorRole[]
  /** Unix seconds from which the key is valid. */
  readonly nbf: number
  /** Unix seconds at which the key expires. */
  readonly exp: number
  /** Present if the key is a passkey. A passkey signs only in the form of WebAuthn, and no other key signs in it. */
  readonly webauthn?: PasskeyBinding
  /** The person who holds the key. Keys of one person count once where several people must agree. */
  readonly person?: string
}

/**
 * The keys of an operator, as a manifest lists them.
 *
 * @example
 * ```ts
 * import type { OperatorManifest } from '@auth4agent/core/identity/operator-manifest'
 *
 * const hasKey = ({ rootKeys, keys }: OperatorManifest, kid: string) =>
 *   [...rootKeys, ...keys].some((key) => key.kid === kid)
 * ```
 */
export interface OperatorManifest {
  readonly operatorId: string
  readonly issuer: string
  /** Number of the manifest: 1 for the first one, then one more than the manifest before. */
  readonly seq: number
  /** When it was signed, in Unix seconds. */
  readonly iat: number
  /** Number of root keys that must approve a root operation. */
  readonly threshold: number
  readonly rootKeys: readonly RootKey[]
  readonly keys: readonly OperationalKey[]
}
