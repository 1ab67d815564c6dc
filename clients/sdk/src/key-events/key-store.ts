import type { SeedSigner } from '../keys/signers.ts'
import type { Signer } from '../signer.ts'

/** The keys of a store, by their roles. */
export interface StoredKeys {
  /** The identity key, as far as the store knows. */
  readonly current: Signer
  /** The key that becomes the identity key next. */
  readonly next?: Signer | undefined
  /** The key that becomes `next` when `next` becomes the identity key. It exists only during a rotation. */
  readonly pending?: Signer | undefined
}

/**
 * Keeps the identity key of an agent and the keys that come next, so that the agent can rotate its key and several
 * processes can share it. `keyFileStore` of `@auth4agent/sdk/node` keeps them in files. Implement this interface to
 * keep them elsewhere, such as in a secret manager.
 *
 * A store never loses a key that it may still need: each change is durable before it returns, and `place` stores a key
 * in its new role before it removes the key from its old role.
 *
 * @example
 *
 * ```ts
 * import { createAgent, type KeyStore } from '@auth4agent/sdk'
 *
 * const agentOf = (store: KeyStore) => createAgent({ server, did, key: store, keyRotation: '30d' })
 * ```
 */
export interface KeyStore {
  /** Resolves with all keys of the store. Rejects if there is no current key. */
  read(): Promise<StoredKeys>
  /** Resolves with a text that changes when the current key is replaced. It is called often. */
  version(): Promise<string>
  /**
   * Generates a key of Ed25519 for a role, and resolves with it. If the role has a key already, resolves with that.
   */
  generate(role: 'next' | 'pending'): Promise<Signer>
  /** Stores a key as `next`. Keeps a different key that has this role under another name. */
  save(key: SeedSigner): Promise<void>
  /**
   * Gives a role to the stored key with this RFC 7638 thumbprint, and removes the key from its old role. The key that
   * had the role before is no longer needed. Does nothing if the key has the role already.
   */
  place(role: 'current' | 'next', kid: string): Promise<void>
  /** Runs work while no other process does so. Rejects if another process does so for too long. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
}

/**
 * Tells whether a key of an agent is a store.
 *
 * @example
 *
 * ```ts
 * import { isKeyStore } from '@auth4agent/sdk'
 *
 * const publicKey = isKeyStore(key) ? (await key.read()).current.publicKey : undefined
 * ```
 */
export function isKeyStore(key: object): key is KeyStore {
  return 'exclusively' in key
}
