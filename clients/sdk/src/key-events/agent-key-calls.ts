import type { Names } from '@auth4agent/core/names/unknown-name'
import type { KeyLike } from '../keys/signers.ts'
import type { AppendedKeyEvent, EndedRecovery } from './key-answers.ts'
import type { KeyLog } from './key-log.ts'
import type { RotatedKey, RotationKeys } from './rotate-key.ts'

/** An option of every call. */
interface Stoppable {
  /** Stops the call. An event that was sent may be in the log nevertheless. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link AgentKeyCalls.rotateKey}. An agent with a key store can leave both keys out. */
export interface RotateKeyOptions extends RotationKeys, Stoppable {}

/** Options of {@link AgentKeyCalls.addKey}. */
export interface AddKeyOptions extends Stoppable {
  /** The new key, which proves itself. It may be of P-256. */
  readonly key: KeyLike
  /** A name for people, 1 to 100 characters. */
  readonly label: string
  /** When the key expires: a time, or a duration from now such as `90d`. At most 366 days ahead. */
  readonly expires: Date | string
}

/** The key that an event needs that ends the DID of an agent. */
interface CommittedKey {
  /** The key to which the agent committed, if it committed to one and the key is not in its store. */
  readonly key?: KeyLike | undefined
}

/** Options of {@link AgentKeyCalls.deactivate}. */
export interface DeactivateOptions extends CommittedKey, Stoppable {}

/** Options of {@link AgentKeyCalls.move}. */
export interface MoveOptions extends CommittedKey, Stoppable {
  /** The domain of the operator to which the agent moves, in lower case and A-labels. */
  readonly to: string
  /** The id of that operator. */
  readonly operatorId: string
  /** The issuer of the operator's server; by default the agent's own server. */
  readonly issuer?: string | undefined
}

/** A move that waits for the operators. */
export interface AgentMove {
  /** The DID that the agent gets when the other operator admits it. */
  readonly to: string
  /** SHA-256 of the event, base64url. */
  readonly digest: string
  /** When the other operator may admit the agent without a release, if it is on the same server. */
  readonly effectiveAt: Date | undefined
}

/** A key that an agent has added. */
export interface AddedAgentKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly expiresAt: Date
  /** The number of the event in the log. */
  readonly seq: number
}

/**
 * The calls that read and change the log of an agent's keys. Changes need the identity key. They reject with
 * Auth4AgentError; the reason is WRONG_KEY if the agent has another key.
 */
export interface AgentKeyCalls {
  /**
   * Replaces the identity key. From then on, no token that the agent got before is valid. The agent continues with the
   * new key: it gets new tokens when they are needed, and repeats calls that the server has refused because of the old
   * key.
   *
   * An agent with a key store rotates to the key that the store keeps ready, commits to the key after that, and
   * replaces the keys in the store. Any other agent needs `key`: store this key before, because it is the only key of
   * the agent afterwards.
   *
   * @example
   *
   * ```ts
   * const key = await generateKey()
   * await store(key.exportSeed()) // before the rotation, beside the old key
   * const { kid, seq } = await agent.rotateKey({ key })
   * ```
   */
  rotateKey(options?: RotateKeyOptions): Promise<RotatedKey>
  /**
   * Adds a key that may authenticate the agent, but cannot change its log. Many key stores, TPMs and OAuth libraries
   * have only P-256. An agent has at most 4 added keys.
   *
   * @example
   *
   * ```ts
   * const pair = await generateP256KeyPair()
   * const { kid } = await agent.addKey({ key: pair, label: 'laptop', expires: '90d' })
   * const laptop = createAgent({ server, did: agent.did, key: pair })
   * ```
   */
  addKey(options: AddKeyOptions): Promise<AddedAgentKey>
  /**
   * Removes an added key. When the call resolves, all tokens of the agent have ended and the key gets no new ones.
   *
   * @example
   *
   * ```ts
   * await agent.removeKey(kid)
   * ```
   */
  removeKey(kid: string, options?: Stoppable): Promise<AppendedKeyEvent>
  /**
   * Reads the log of the agent's keys, and on platforms with node:crypto verifies it from the first event on. Rejects
   * with UNEXPECTED_ANSWER if the log is not genuine.
   *
   * @example
   *
   * ```ts
   * const { kid, next, keySinceS, pending } = await agent.keyEvents()
   * const isRobbed = pending.some(({ type }) => type === 'recover')
   * ```
   */
  keyEvents(options?: Stoppable): Promise<KeyLog>
  /**
   * Ends the recovery that waits. Use it if nobody has lost the current key: then the recovery is an attack. Rejects
   * with NOTHING_PENDING if none waits.
   *
   * @example
   *
   * ```ts
   * await agent.objectToRecovery()
   * ```
   */
  objectToRecovery(options?: Stoppable): Promise<EndedRecovery>
  /**
   * Asks to move to another operator, or to another server. The agent keeps its keys and its history. Scopes, tokens
   * and settings stay behind. Nothing changes before the other operator admits the agent. Then the agent continues
   * with the DID `to`. Any later event of the log ends the move.
   *
   * An agent that has committed to a key needs that key too. The move only proves the key: the identity key and the
   * commitment stay as they are. Without the key the call rejects with KEY_NOT_COMMITTED.
   *
   * @example
   *
   * ```ts
   * const { to } = await agent.move({ to: 'other.example', operatorId: '0190b7a2-…' })
   * await robot.move({ to: 'other.example', operatorId: '0190b7a2-…', key: nextKey }) // has no key store
   * ```
   */
  move(options: MoveOptions): Promise<AgentMove>
  /**
   * Ends the agent's identity for good. Its operator cannot undo this. An agent that has committed to a key needs that
   * key too. Without the key the call rejects with KEY_NOT_COMMITTED.
   *
   * @example
   *
   * ```ts
   * await agent.deactivate()
   * ```
   */
  deactivate(options?: DeactivateOptions): Promise<AppendedKeyEvent>
}

const STOPPABLE_NAMES: Names<Stoppable> = { signal: true }
/** The option names of each call. */
export const KEY_CALL_NAMES: {
  readonly rotateKey: Names<RotateKeyOptions>
  readonly addKey: Names<AddKeyOptions>
  readonly deactivate: Names<DeactivateOptions>
  readonly move: Names<MoveOptions>
  readonly others: Names<Stoppable>
} = {
  rotateKey: { ...STOPPABLE_NAMES, key: true, next: true },
  addKey: { ...STOPPABLE_NAMES, key: true, label: true, expires: true },
  deactivate: { ...STOPPABLE_NAMES, key: true },
  move: { ...STOPPABLE_NAMES, key: true, to: true, operatorId: true, issuer: true },
  others: STOPPABLE_NAMES,
}
