import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { Auth4AgentError } from '../errors.ts'
import { backoffMs } from '../retry.ts'
import { isRefusal, type LogOwner, readLog } from './key-changes.ts'
import type { KeyLog } from './key-log.ts'
import type { KeyStore } from './key-store.ts'
import { isSettled, type RotatedKey, rotateStoredKey } from './rotate-key.ts'

/** What happened when an agent tried to rotate its key by itself. */
export type KeyRotation =
  | ({ readonly ok: true } & RotatedKey)
  | {
      readonly ok: false
      /** Why the rotation failed. The agent continues with its key. */
      readonly error: unknown
      /** When the agent tries again, in seconds; undefined if it does not, because the log is full. */
      readonly retryInS: number | undefined
    }

/** A schedule of rotations. */
export interface RotationPlan {
  readonly owner: LogOwner
  readonly store: KeyStore
  /** The age at which a key is replaced, in seconds. */
  readonly everyS: number
  /** Called after each rotation and each failure. By default, failures become warnings of the process. */
  readonly report?: ((rotation: KeyRotation) => void) | undefined
}

/** The part of the age by which a rotation may be later, so that a fleet of agents does not rotate at once. */
const SPREAD = 0.1
/** Timers of more than 24.8 days run at once, so longer waits are divided. */
const LONGEST_TIMER_MS = 86_400_000
const FIRST_RETRY_MS = 60_000
const LONGEST_RETRY_MS = 3_600_000
const FRACTION_BYTES = 4

/** Rotates the key of a store at its age, in the background. The timers do not keep the process alive. */
export function scheduleRotation(plan: RotationPlan): void {
  const { report = warn } = plan
  const { runtime, signal } = plan.owner
  let failures = 0
  const wait = (ms: number) => {
    const part = Math.min(ms, LONGEST_TIMER_MS)
    const cancel = runtime.after(part, () => (part < ms ? wait(ms - part) : void work()))
    signal.addEventListener('abort', cancel, { once: true })
  }
  const work = async () => {
    if (signal.aborted) return
    try {
      wait(await rotateIfDue(plan, report))
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      const retryMs = isRefusal(error, 'KEY_EVENT_LIMIT') ? undefined : retryAfterMs(error, failures, runtime.random())
      report({ ok: false, error, retryInS: retryMs && Math.round(retryMs / 1000) })
      if (retryMs !== undefined) wait(retryMs)
    }
  }
  void work()
}

/** Rotates the key if it is old enough. Resolves with the milliseconds until the key may be old enough. */
async function rotateIfDue(
  { owner, store, everyS }: RotationPlan,
  report: (rotation: KeyRotation) => void,
): Promise<number> {
  const dueInMs = (log: KeyLog) => (log.keySinceS + ageS(log.kid, everyS)) * 1000 - owner.server.nowMs()
  const isDue = (log: KeyLog) => dueInMs(log) <= 0
  const log = await readLog(owner)
  if (!isDue(log) && (await isSettled(store, log))) return dueInMs(log)
  // Decides again under the lock of the store, because another process may have rotated the key in the meantime.
  const rotated = await rotateStoredKey(owner, store, {}, isDue)
  if (rotated !== undefined) report({ ok: true, ...rotated })
  return Math.max(dueInMs(await readLog(owner)), 0)
}

/**
 * Returns the age at which a key is replaced, in seconds. It depends on the key, so that all processes that share a
 * key agree, and agents that began together do not rotate together.
 */
export function ageS(kid: string, everyS: number): number {
  const bytes = decodeBase64url(kid) ?? new Uint8Array(FRACTION_BYTES)
  const fraction = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
  return everyS * (1 + SPREAD * fraction)
}

function retryAfterMs(error: unknown, failures: number, random: number): number {
  const askedS = error instanceof Auth4AgentError ? (error.retryAfterS ?? 0) : 0
  return Math.max(askedS * 1000, Math.min(LONGEST_RETRY_MS, backoffMs(FIRST_RETRY_MS, failures, random)))
}

function warn(rotation: KeyRotation): void {
  if (rotation.ok) return
  const platform: typeof process | undefined = globalThis.process
  platform?.emitWarning?.(`The agent could not rotate its key: ${String(rotation.error)}`, 'Auth4AgentWarning')
}
