import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { isTokenAlgorithm } from '../../shared/crypto/token-algorithms.ts'
import type { Tx } from '../../shared/db/db.ts'
import { type Audit, type Author, change } from '../../shared/ledger/ledger.ts'
import type { Logger } from '../../shared/log/log.ts'
import type { KeyFacts, Step } from '../domain/plan-rotation.ts'
import type { KeyAges } from './key-ages.ts'
import type { KeyProvider, NewTokenKey } from './key-provider.ts'
import { insertKey, lockKeys, moveKey, readKeys, type SigningKey, type SigningKeysRead } from './key-store.ts'

/** What carrying out a plan needs. */
export interface CarryOutDeps {
  readonly prisma: PrismaClient
  readonly provider: KeyProvider
  readonly ages: KeyAges
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** Decides on the keys as they are. */
export type Plan = (keys: readonly KeyFacts[]) => readonly Step[]

/** What one change did: every key as it stands after, and which of them the change has moved or made. */
export interface Changed {
  readonly keys: readonly SigningKey[]
  readonly touched: ReadonlySet<string>
}

interface Wish {
  readonly author: Author
  readonly plan: Plan
  /** For the audit. */
  readonly reason?: string
  /** Taken where the plan wants a new key of its algorithm. */
  readonly imported?: NewTokenKey | undefined
}

const ACTIONS = {
  active: 'key.activate',
  retiring: 'key.retiring',
  retired: 'key.retire',
  compromised: 'key.compromise',
} as const

/** Nobody has seen a change before it was committed, at most so long after the moment that its row tells. */
const MAX_COMMIT_MS = 5_000

type NewStep = Extract<Step, { to: 'new' }>

/** Whether a step makes a key. */
export function isNew(step: Step): step is NewStep {
  return step.to === 'new'
}

/** Whether a plan would change anything now. */
export async function isDue(deps: CarryOutDeps, plan: Plan): Promise<boolean> {
  return plan(factsOf(deps, await readKeys(deps.prisma))).length > 0
}

/**
 * Carries a plan out in one transaction with its audit. Keys are made before, since that may take long; then the plan is made
 * again under a lock, on what it finds there. After a failure the keys that were made stay where they are, for nobody can tell
 * whether a commit whose answer was lost has put them into use.
 */
export async function carryOut(deps: CarryOutDeps, { author, plan, reason = '', imported }: Wish): Promise<Changed> {
  const { prisma, provider, log } = deps
  const wanted = plan(factsOf(deps, await readKeys(prisma))).filter(isNew)
  const spare = imported === undefined ? [] : [imported]
  const made = wanted.filter(({ alg }) => alg !== imported?.alg).map(({ alg }) => provider.generate(alg))
  spare.push(...(await Promise.all(made)))
  const changed = await change(prisma, author, async (tx, audit) => {
    await lockKeys(tx)
    const steps = plan(factsOf(deps, await readKeys(tx)))
    const touched = new Set<string>()
    for (const step of steps) {
      const kid = isNew(step) ? await addKey(tx, audit, step, spare) : step.kid
      if (kid === undefined) continue
      if (!isNew(step)) {
        await moveKey(tx, kid, step.to)
        await audit({ action: ACTIONS[step.to], subject: kid, reason })
      }
      touched.add(kid)
    }
    return { keys: (await readKeys(tx)).keys, touched }
  })
  for (const { kid, alg, state } of changed.keys.filter((key) => changed.touched.has(key.kid))) {
    log.info({ kid, alg, state }, 'a signing key has changed its state')
  }
  for (const { kid, stored } of spare) await provider.destroy({ kid, externalRef: stored.externalRef ?? null })
  return changed
}

/** Takes a key that was made for it. There may be none, where the keys have changed meanwhile: the next pass makes it. */
async function addKey(
  tx: Tx,
  audit: Audit,
  { alg, state }: NewStep,
  spare: NewTokenKey[],
): Promise<string | undefined> {
  const at = spare.findIndex((key) => key.alg === alg)
  const [key] = at < 0 ? [] : spare.splice(at, 1)
  if (key === undefined) return undefined
  await insertKey(tx, key, state)
  await audit({ action: 'key.create', subject: key.kid })
  return key.kid
}

/** The keys with their ages. What this version does not know the algorithm of is a newer one's to look after. */
export function factsOf({ ages }: Pick<CarryOutDeps, 'ages'>, { keys, databaseNow }: SigningKeysRead): KeyFacts[] {
  const standing = keys.flatMap(({ kid, alg, state, createdAt, activatedAt, retiringAt }) => {
    if (!isTokenAlgorithm(alg)) return []
    const since = (state === 'active' ? activatedAt : state === 'retiring' ? retiringAt : undefined) ?? createdAt
    return [{ kid, alg, state, sinceMs: since.getTime() + MAX_COMMIT_MS }]
  })
  return ages.look(standing, databaseNow.getTime())
}
