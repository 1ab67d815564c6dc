import type { Ed25519Jwk, P256Jwk } from '../jose/public-jwk.ts'

/** Largest number of keys that an agent may have beside its identity key. */
export const MAX_ADDED_KEYS = 4
/** Largest number of events in a log. After them only `deactivate` is accepted. */
export const MAX_KEY_EVENTS = 2000
/** Largest number of events after which a log accepts `add-key`. The places after them are for rotations. */
export const MAX_ADDING_EVENTS = 1900
/** Longest time from `iat` to the expiry of an added key, in seconds. */
export const MAX_ADDED_KEY_LIFETIME_S = 366 * 24 * 3600

/** A key that authenticates an agent beside its identity key. */
export interface AddedKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly jwk: Ed25519Jwk | P256Jwk
  readonly label: string
  /** Unix seconds. */
  readonly exp: number
}

/** What a log of key events says about its agent after its last event. */
export interface KeyState {
  /** The agent's DID. After a move, the new one. */
  readonly did: string
  /** The DIDs that the agent had before, oldest first. */
  readonly previousDids: readonly string[]
  /** Number and digest of the last event, and when it was signed (Unix seconds). */
  readonly seq: number
  readonly head: string
  readonly iat: number
  /** When the inception was signed or recorded, in Unix seconds. */
  readonly createdAt: number
  /** Whether the inception has no signature because a server recorded it. */
  readonly recorded: boolean
  /** The identity key and its RFC 7638 thumbprint. */
  readonly key: Ed25519Jwk
  readonly kid: string
  /** Thumbprint of the key to which the agent committed; undefined without a commitment. */
  readonly next: string | undefined
  readonly addedKeys: readonly AddedKey[]
  /** Thumbprints of all identity keys so far, the current one included. */
  readonly usedKids: ReadonlySet<string>
  /** Whether the agent ended its own identity. No event follows. */
  readonly deactivated: boolean
}
