import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { JwksKey } from '../../gen/prisma/client.ts'
import type { PrivateTokenKey } from '../platform/crypto/token-key.ts'

/** Where the private half of a key is, as its row keeps it: sealed right there, or in another place. */
type StoredHalf =
  | { readonly wrappedKey: Uint8Array<ArrayBuffer>; readonly kekId: string; readonly externalRef?: never }
  | { readonly externalRef: Readonly<Record<string, string>>; readonly wrappedKey?: never; readonly kekId?: never }

/** A key that has just been made, and is in no row yet. */
export interface NewTokenKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly alg: TokenAlgorithm
  readonly publicJwk: PublicJwk
  readonly stored: StoredHalf
}

/** What a row says of the private half. */
export type KeyRow = Pick<JwksKey, 'kid' | 'purpose' | 'alg' | 'publicJwk' | 'wrappedKey' | 'kekId' | 'externalRef'>

/** Makes private halves, and has the use of them. */
export interface KeyProvider {
  generate(alg: TokenAlgorithm): Promise<NewTokenKey>
  /** Throws WrongKeyError when the row does not open, Error when what it refers to is not there or is another key. */
  open(row: KeyRow): Promise<PrivateTokenKey>
  /** Destroys what a key refers to outside of the database; again and again is fine. False where it cannot be reached from here. */
  destroy(key: Pick<KeyRow, 'kid' | 'externalRef'>): Promise<boolean>
  close(): Promise<void>
}
