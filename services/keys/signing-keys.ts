import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { type Author, change, systemAuthor } from '../ledger/ledger.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type CarryOutDeps, type Changed, carryOut, factsOf, isDue, isNew, type Plan } from './carry-out.ts'
import { planCompromise, planRotateNow, planSchedule, type RotationTimes } from './domain/plan-rotation.ts'
import type { KeyRow, NewSigningKey } from './key-provider.ts'
import { findDiscarded, forgetExternal, insertKeys, lockKeys, readKeys, type SigningKey } from './key-store.ts'

/** Dependencies of createSigningKeys. */
export interface SigningKeysDeps extends Omit<CarryOutDeps, 'spare'> {
  readonly times: RotationTimes
}

/** A signing key with its readiness. */
export interface ListedKey extends SigningKey {
  /** When a prepared key is ready to sign, by the database's clock; null in every other state. */
  readonly readyAt: Date | null
  /** Whether `readyAt` has passed. */
  readonly isReady: boolean
}

/**
 * Manages the signing keys. Every change is one transaction, which also writes the audit. The decision is made again
 * after the keys have been locked.
 */
export interface SigningKeys {
  /** Reads all signing keys, oldest first. */
  list(): Promise<readonly ListedKey[]>
  /** The keys as the last pass of the schedule, or the last call of `list`, found them. */
  readonly lastSeen: readonly ListedKey[]
  /** Creates an active key of each kind; `imported` is one of them. Does nothing when the deployment has keys. */
  ensureFirst(imported?: NewSigningKey): Promise<void>
  /**
   * Does the work that is due: rotates keys by age, retires keys, creates keys, and destroys private halves in a
   * hardware token that are no longer needed.
   */
  runSchedule(): Promise<void>
  /** Makes ready keys active. Throws KEY_NOT_FOUND, KEY_NOT_READY, ASSERTION_USED. */
  rotate(author: Author, wish: { alg?: TokenAlgorithm; kid?: string }, reason: string): Promise<Changed>
  /** Marks a key as compromised. Throws KEY_NOT_FOUND, KEY_NOT_READY, ASSERTION_USED. */
  compromise(author: Author, wish: { kid: string; force: boolean }, reason: string): Promise<Changed>
  /** Adds an imported key as prepared. Throws KEY_EXISTS, ASSERTION_USED. */
  add(author: Author, key: NewSigningKey, reason: string): Promise<ListedKey>
  /** Resolves when no pass of the schedule is running. */
  idle(): Promise<void>
}

const JOB = 'signing-keys'

/** Creates the manager of the signing keys in a database. */
export function createSigningKeys(options: SigningKeysDeps): SigningKeys {
  const deps: CarryOutDeps = { ...options, spare: [] }
  const { prisma, provider, times, log } = options
  const schedule: Plan = (keys) => planSchedule(keys, times)
  // Generating keys in a hardware token may take long or fail. The other steps must not wait for new keys, so they are
  // a separate plan.
  const moves: Plan = (keys) => schedule(keys).filter((step) => !isNew(step))
  const makes: Plan = (keys) => schedule(keys).filter(isNew)
  // At the first start only active keys are needed. The schedule creates prepared keys later.
  const first: Plan = (keys) => makes(keys).filter((step) => isNew(step) && step.state === 'active')
  let lastSeen: readonly ListedKey[] = []
  const list = async () => {
    const read = await readKeys(prisma)
    const ages = new Map(factsOf(deps, read).map(({ kid, ageS }) => [kid, ageS]))
    lastSeen = read.keys.map((key) => {
      if (key.state !== 'prepared') return Object.assign(key, { readyAt: null, isReady: false })
      const inMs = (times.publishS - (ages.get(key.kid) ?? 0)) * 1000
      return Object.assign(key, { readyAt: new Date(read.databaseNow.getTime() + inMs), isReady: inMs <= 0 })
    })
    return lastSeen
  }
  const discard = async (row: KeyRow) => {
    if (await provider.destroy(row)) await forgetExternal(prisma, row.kid)
  }
  const pass = async () => {
    try {
      for (const plan of [moves, makes]) {
        if (await isDue(deps, plan)) await carryOut(deps, { author: systemAuthor(JOB), plan })
      }
      const discarded = await Promise.allSettled((await findDiscarded(prisma)).map(discard))
      for (const result of discarded) if (result.status === 'rejected') throw result.reason
    } finally {
      await list()
    }
  }
  let running: Promise<void> | undefined
  const runSchedule = () => {
    running ??= pass().finally(() => {
      running = undefined
    })
    return running
  }
  /** A pass that is under way may have looked before the change. */
  const runAfterwards = async () => {
    await running?.catch(() => undefined)
    await runSchedule()
  }
  const idle = async (): Promise<void> => {
    if (running === undefined) return
    await running.catch(() => undefined)
    // A command may have asked for another pass.
    await idle()
  }
  /**
   * Carries out an administrator's command, then begins a pass of the schedule, which creates missing keys. The
   * administrator does not wait for this pass and does not get its errors.
   */
  const command = async (wish: Parameters<typeof carryOut>[1]) => {
    const changed = await carryOut({ ...deps, spare: [] }, wish)
    runAfterwards().catch((error: unknown) => log.warn({ error }, 'new signing keys could not be created yet'))
    return changed
  }
  return {
    list,
    get lastSeen() {
      return lastSeen
    },
    async ensureFirst(imported) {
      if (await isDue(deps, first)) await carryOut(deps, { author: systemAuthor(JOB), plan: first, imported })
    },
    runSchedule,
    rotate: (author, wish, reason) => command({ author, reason, plan: (keys) => planRotateNow(keys, times, wish) }),
    compromise: (author, wish, reason) =>
      command({ author, reason, plan: (keys) => planCompromise(keys, times, wish) }),
    async add(author, key, reason) {
      const added = await change(prisma, author, async (tx, audit) => {
        await lockKeys(tx)
        if ((await tx.jwksKey.findUnique({ where: { kid: key.kid } })) !== null) throw new ApiError('KEY_EXISTS')
        await insertKeys(tx, [{ key, state: 'prepared' }])
        await audit({ action: 'key.import', subject: key.kid, reason })
        const { keys } = await readKeys(tx)
        return keys.find(({ kid }) => kid === key.kid)
      })
      if (added === undefined) throw new Error('The inserted signing key was not found in its transaction')
      const { kid, purpose, alg, state } = added
      log.info({ kid, purpose, alg, state }, 'a signing key has been imported')
      return { ...added, readyAt: new Date(added.createdAt.getTime() + times.publishS * 1000), isReady: false }
    },
    idle,
  }
}
