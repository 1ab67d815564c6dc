import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { JwksKey } from '../../gen/prisma/client.ts'
import type { PrivateTokenKey } from '../platform/crypto/token-key.ts'
import type { KeyKind } from './domain/key-kinds.ts'

/** Where the private half of a key is: sealed in the key's row, or at another place that the row names. */
type StoredHalf =
  | { readonly wrappedKey: Uint8Array<ArrayBuffer>; readonly kekId: string; readonly externalRef?: never }
  | { readonly externalRef: Readonly<Record<string, string>>; readonly wrappedKey?: never; readonly kekId?: never }

/** A new key that is in no row yet. */
export interface NewSigningKey extends KeyKind {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly publicJwk: PublicJwk
  readonly stored: StoredHalf
}

/** The columns that describe a key and where its private half is. */
export type KeyRow = Pick<JwksKey, 'kid' | 'purpose' | 'alg' | 'publicJwk' | 'wrappedKey' | 'kekId' | 'externalRef'>

/** Generates private halves and signs with them. */
export interface KeyProvider {
  /** Generates a key that is in no row yet. */
  generate(kind: KeyKind): Promise<NewSigningKey>
  /**
   * Opens the private half of the key in a row.
   * @throws WrongKeyError when the sealed private half cannot be opened; Error when the private half is missing or
   *   belongs to another key
   */
  open(row: KeyRow): Promise<PrivateTokenKey>
  /**
   * Destroys a private half that is outside the database. A repeated call is allowed. Returns false when this process
   * cannot reach the private half.
   */
  destroy(key: Pick<KeyRow, 'kid' | 'externalRef'>): Promise<boolean>
  close(): Promise<void>
}
