import type { Db } from '../platform/db/db.ts'
import type { Logger } from '../platform/log/log.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Pkcs11Options } from './pkcs11/pkcs11-provider.ts'
import type { VerificationKeys } from './verification-keys.ts'

/** Times of the signing keys, in seconds. */
export interface KeysSettings {
  /** How long verifiers may cache the JWKS. */
  readonly jwksMaxAgeS: number
  /** How long the server publishes a key before the key signs. */
  readonly publishS: number
  /** How long a key signs before the schedule rotates it. */
  readonly rotateAfterS: number
}

/** The secrets under which keys are stored. */
export interface KeysSecrets {
  /** The KEK that seals, 32 bytes. */
  readonly kek: Uint8Array
  /** KEKs that only open: a previous KEK, or the next KEK. */
  readonly otherKeks: readonly Uint8Array[]
  /** A private key, PEM or JWK, that becomes the first token key of its algorithm. */
  readonly signingKey: string | undefined
  /** The hardware token that generates new signing keys. When undefined, new keys are sealed in the database. */
  readonly pkcs11: Pkcs11Options | undefined
}

/** Options of createKeys, from the composition root. */
export interface KeysOptions {
  readonly db: Db
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly settings: KeysSettings
  readonly secrets: KeysSecrets
  readonly log: Logger
  readonly tokenStatus: TokenStatus
  readonly verificationKeys: VerificationKeys
}
