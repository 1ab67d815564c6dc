import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { Auth4AgentError, clientError } from '../errors.ts'
import { type KeyLike, type SeedSigner, toSigner } from '../keys/signers.ts'
import type { Signer } from '../signer.ts'
import { appendChange, committedKid, expectEd25519, type LogOwner, proving, readLog, withLog } from './key-changes.ts'
import type { KeyLog } from './key-log.ts'
import type { KeyStore, StoredKeys } from './key-store.ts'

/** The keys of a rotation. */
export interface RotationKeys {
  /** The new identity key. If the agent committed to a key, it must be that key. */
  readonly key?: KeyLike | undefined
  /** The key that comes after that, or its thumbprint. `false` commits to no key. */
  readonly next?: KeyLike | string | false | undefined
}

/** An identity key that was replaced. */
export interface RotatedKey {
  /** RFC 7638 thumbprint of the new identity key. */
  readonly kid: string
  /** Thumbprint of the key to which the agent has committed; undefined without a commitment. */
  readonly next: string | undefined
  /** The number of the event in the log. */
  readonly seq: number
}

/** Rotates a key that is in no store. The caller keeps the new key. */
export function rotateGivenKey(owner: LogOwner, { key, next }: RotationKeys): Promise<RotatedKey> {
  return owner.keys.change(async (candidate) => {
    if (key === undefined)
      throw new TypeError('rotateKey needs `key`, the new key: store it first, or give the agent a key store')
    const newKey = expectEd25519(await toSigner(key))
    const kid = next === undefined || next === false ? undefined : await committedKid(next)
    candidate(newKey)
    return rotate(owner, newKey, kid)
  })
}

/** Rotates the key of a store. Resolves with undefined if `isDue` says that the key is not old enough. */
export function rotateStoredKey(
  owner: LogOwner,
  store: KeyStore,
  { key, next }: RotationKeys,
  isDue: (log: KeyLog) => boolean = () => true,
): Promise<RotatedKey | undefined> {
  return owner.keys.change((candidate) =>
    store.exclusively(async () => {
      const log = await settleStore(owner, store)
      if (!isDue(log)) return undefined
      if (key !== undefined) await store.save(expectSeed(key))
      await expectCommitted(store, log)
      const newKey = await store.generate('next')
      const kept = next === undefined ? signerKid(await store.generate('pending')) : undefined
      const committed = kept ?? (next === undefined || next === false ? undefined : await committedKid(next))
      candidate(newKey)
      const rotated = await rotate(owner, newKey, committed)
      await store.place('current', rotated.kid)
      if (kept !== undefined) await store.place('next', kept)
      return rotated
    }),
  )
}

/** Replaces the identity key by an event. Notices if the event is in the log already because an answer was lost. */
async function rotate(owner: LogOwner, newKey: Signer, next: string | undefined): Promise<RotatedKey> {
  const kid = signerKid(newKey)
  const seq = await withLog(owner, async (log) => {
    if (log.kid === kid) return seqOf(log)
    return (await appendChange(owner, log, { type: 'rotate', key: proving(newKey), next })).seq
  })
  owner.keys.replace(newKey)
  return { kid, next, seq }
}

function seqOf({ events }: KeyLog): number {
  return events.at(-1)?.seq ?? 0
}

/**
 * Gives the keys of a store the roles that the log says. A process that stopped in the middle of a rotation may have
 * left them in their old roles. Throws WRONG_KEY if the store does not have the identity key.
 */
async function settleStore(owner: LogOwner, store: KeyStore): Promise<KeyLog> {
  const log = await readLog(owner)
  const kids = kidsOf(await store.read())
  if (!kids.includes(log.kid))
    throw clientError('WRONG_KEY', `The key store does not have the identity key of the agent, which is ${log.kid}`)
  await store.place('current', log.kid)
  if (log.next !== undefined && kids.includes(log.next)) await store.place('next', log.next)
  owner.keys.replace((await store.read()).current)
  return log
}

/** Tells whether each stored key has the role that the log says. */
export async function isSettled(store: KeyStore, log: KeyLog): Promise<boolean> {
  const { current, next, pending } = await store.read()
  const isNextElsewhere = pending !== undefined && log.next === signerKid(pending)
  const isNextUsed = next !== undefined && signerKid(next) === log.kid
  return signerKid(current) === log.kid && !isNextElsewhere && !isNextUsed
}

async function expectCommitted(store: KeyStore, { next }: KeyLog): Promise<void> {
  if (next === undefined || kidsOf(await store.read()).includes(next)) return
  throw new Auth4AgentError(
    `The key store does not have the key to which the agent committed, which is ${next}: pass it as \`key\``,
    { reason: 'KEY_NOT_COMMITTED', status: 0 },
  )
}

function kidsOf({ current, next, pending }: StoredKeys): readonly string[] {
  return [current, next, pending].filter((key) => key !== undefined).map(signerKid)
}

function expectSeed(key: KeyLike): SeedSigner {
  if (!isSeedSigner(key)) throw new TypeError('key must be a key that can be stored, with exportSeed')
  return key
}

function isSeedSigner(key: KeyLike): key is SeedSigner {
  return 'exportSeed' in key
}
