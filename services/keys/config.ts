import type { Db } from '../platform/db/db.ts'
import type { Logger } from '../platform/log/log.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Pkcs11Options } from './pkcs11/pkcs11-provider.ts'
import type { VerificationKeys } from './verification-keys.ts'

/** Times of the signing keys, in seconds. */
export interface KeysSettings {
  /** How long verifiers may keep the JWKS. */
  readonly jwksMaxAgeS: number
  /** For how long a key is published before it signs. */
  readonly publishS: number
  /** For how long a key signs. */
  readonly rotateAfterS: number
}

/** The secrets that keys are kept under. */
export interface KeysSecrets {
  /** Key-encryption key, 32 bytes. */
  readonly kek: Uint8Array
  /** Key-encryption keys that open what was sealed before, or will be. */
  readonly otherKeks: readonly Uint8Array[]
  /** A private key, PEM or JWK, that becomes the first of its algorithm. */
  readonly signingKey: string | undefined
  /** The PKCS #11 token in which new signing keys are made; in the database where there is none. */
  readonly pkcs11: Pkcs11Options | undefined
}

/** What the composition root brings. */
export interface KeysOptions {
  readonly db: Db
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly settings: KeysSettings
  readonly secrets: KeysSecrets
  readonly log: Logger
  readonly tokenStatus: TokenStatus
  readonly verificationKeys: VerificationKeys
}
