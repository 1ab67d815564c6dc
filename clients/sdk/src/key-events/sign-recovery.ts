import { signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import { expectApplicable } from './append-event.ts'
import { committedKid, expectEd25519 } from './key-changes.ts'
import { endOf, type KeyLog } from './key-log.ts'

/** Options of {@link signRecovery}. */
export interface RecoveryOptions {
  /** The log of the agent's keys, as `openCalls(…).keyEvents(did)` returns it. */
  readonly log: KeyLog
  /** The key to which the agent committed. It becomes the identity key. */
  readonly key: KeyLike
  /** The key that comes after that, or its thumbprint. */
  readonly next?: KeyLike | string | undefined
  /** The current time in Unix milliseconds; by default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const NAMES: Names<RecoveryOptions> = { log: true, key: true, next: true, now: true }

/**
 * Signs the recovery of an agent whose identity key is lost or stolen, with the key to which the agent committed. Its
 * operator then starts the recovery with `operator.agents.recover(did, event)`, within 5 minutes.
 *
 * Rejects with KEY_NOT_COMMITTED if the agent has committed to another key or to none.
 *
 * @example
 *
 * ```ts
 * import { openCalls, signRecovery } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const log = await openCalls({ server: 'https://auth.example.com' }).keyEvents(did)
 * const event = await signRecovery({ log, key: await readKeyFile('/media/safe/agent.key.next') })
 * ```
 */
export async function signRecovery(options: RecoveryOptions): Promise<string> {
  refuseUnknownNames('option', options, NAMES)
  const { log, key, next, now = Date.now } = options
  const signer = expectEd25519(await toSigner(key))
  const change = { type: 'recover', next: next === undefined ? undefined : await committedKid(next) } as const
  const event = await signKeyEvent(signer, endOf(log), change, now() / 1000)
  expectApplicable(log.state, event)
  return event
}
