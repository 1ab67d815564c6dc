import type { Db } from '../platform/db/db.ts'
import type { Logger } from '../platform/log/log.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Pkcs11Options } from './pkcs11/pkcs11-provider.ts'
import type { VerificationKeys } from './verification-keys.ts'

/** Times of the signing keys, in seconds. */
export interface KeysSettings {
  /** How long verifiers may cache the JWKS. */
  readonly jwksMaxAgeS: number
  /** How long a key is published before it signs. */
  readonly publishS: number
  /** How long a key signs. */
  readonly rotateAfterS: number
}

/** The secrets under which keys are stored. */
export interface KeysSecrets {
  /** KEK that seals, 32 bytes. */
  readonly kek: Uint8Array
  /** KEKs that only open: a previous KEK, or the next one. */
  readonly otherKeks: readonly Uint8Array[]
  /** A private key, PEM or JWK, that becomes the first key of its algorithm. */
  readonly signingKey: string | undefined
  /** The hardware token in which new signing keys are generated. If undefined, they are sealed in the database. */
  readonly pkcs11: Pkcs11Options | undefined
}

/** Options of createKeys, from the composition root. */
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
