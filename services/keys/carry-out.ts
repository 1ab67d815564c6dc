import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Logger } from '../platform/log/log.ts'
import { isOfKind, kindOf } from './domain/key-kinds.ts'
import type { KeyFacts, Step } from './domain/plan-rotation.ts'
import type { KeyAges } from './key-ages.ts'
import type { KeyProvider, NewSigningKey } from './key-provider.ts'
import {
  type AddedKey,
  insertKeys,
  lockKeys,
  moveKeys,
  readKeys,
  type SigningKey,
  type SigningKeysRead,
} from './key-store.ts'

/** Dependencies of carryOut. */
export interface CarryOutDeps {
  readonly prisma: PrismaClient
  readonly provider: KeyProvider
  readonly ages: KeyAges
  /** Keys that were generated but are in no row yet. The next plan that needs a new key uses them. */
  readonly spare: NewSigningKey[]
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** Decides the next steps from the current keys. */
export type Plan = (keys: readonly KeyFacts[]) => readonly Step[]

/** Result of carryOut: all keys after the change, and the kids of the keys that it moved or inserted. */
export interface Changed {
  readonly keys: readonly SigningKey[]
  readonly touched: ReadonlySet<string>
}

interface Wish {
  readonly author: Author
  readonly plan: Plan
  /** Reason for the audit. */
  readonly reason?: string
  /** A key that carryOut uses first when the plan needs a new key of this kind. */
  readonly imported?: NewSigningKey | undefined
}

const ACTIONS = {
  active: 'key.activate',
  retiring: 'key.retiring',
  retired: 'key.retire',
  compromised: 'key.compromise',
} as const

/** Longest time between the time written in a row and the commit, after which other processes can see the change. */
const MAX_COMMIT_MS = 5_000

type NewStep = Extract<Step, { to: 'new' }>

/** Returns whether a step needs a new key. */
export function isNew(step: Step): step is NewStep {
  return step.to === 'new'
}

/** Returns whether a plan would change anything now. */
export async function isDue(deps: CarryOutDeps, plan: Plan): Promise<boolean> {
  return plan(factsOf(deps, await readKeys(deps.prisma))).length > 0
}

/**
 * Carries out a plan in one transaction, which also writes the audit. It generates new keys before the transaction,
 * because generating may take long. Then it locks the keys and computes the plan again. After a failure the generated
 * keys stay in `spare`. The next call removes from `spare` the keys that are in the database already: the transaction
 * may have committed although its answer was lost. Only one call at a time may generate keys.
 */
export async function carryOut(deps: CarryOutDeps, { author, plan, reason = '', imported }: Wish): Promise<Changed> {
  const { prisma, provider, log, spare } = deps
  const before = await readKeys(prisma)
  const used = spare.splice(0)
  spare.push(...used.filter(({ kid }) => !before.keys.some((key) => key.kid === kid)))
  if (imported !== undefined) spare.unshift(imported)
  await makeWanted(provider, spare, plan(factsOf(deps, before)).filter(isNew))
  const unused = [...spare]
  const changed = await change(prisma, author, async (tx, audit) => {
    await lockKeys(tx)
    const steps = plan(factsOf(deps, await readKeys(tx)))
    const moves = steps.filter((step) => !isNew(step))
    const added = takeKeys(steps.filter(isNew), unused)
    // Few statements, because each is a round trip, and the transaction has a time limit.
    await moveKeys(tx, moves)
    await insertKeys(tx, added)
    await audit(
      ...moves.map(({ kid, to }) => ({ action: ACTIONS[to], subject: kid, reason })),
      ...added.map(({ key }) => ({ action: 'key.create' as const, subject: key.kid })),
    )
    const touched = new Set([...moves.map(({ kid }) => kid), ...added.map(({ key }) => key.kid)])
    return { keys: (await readKeys(tx)).keys, touched }
  })
  for (const { kid, purpose, alg, state } of changed.keys.filter((key) => changed.touched.has(key.kid))) {
    log.info({ kid, purpose, alg, state }, 'a signing key has changed its state')
  }
  spare.length = 0
  for (const { kid, stored } of unused) await provider.destroy({ kid, externalRef: stored.externalRef ?? null })
  return changed
}

/** Generates the wanted keys that are not in `spare`. */
async function makeWanted(
  provider: Pick<KeyProvider, 'generate'>,
  spare: NewSigningKey[],
  wanted: readonly NewStep[],
): Promise<void> {
  const left = [...spare]
  const missing = wanted.filter((kind) => {
    const at = left.findIndex((key) => isOfKind(kind, key))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  spare.push(...(await Promise.all(missing.map(({ purpose, alg }) => provider.generate({ purpose, alg })))))
}

/**
 * Takes a generated key out of `unused` for each step. Leaves out a step for which none is left, because other keys
 * have changed since the plan was first computed. The next pass then generates the missing key.
 */
function takeKeys(steps: readonly NewStep[], unused: NewSigningKey[]): AddedKey[] {
  return steps.flatMap((step) => {
    const at = unused.findIndex((key) => isOfKind(step, key))
    const [key] = at < 0 ? [] : unused.splice(at, 1)
    return key === undefined ? [] : [{ key, state: step.state }]
  })
}

/** Returns the keys with their ages. Leaves out keys of an unknown kind, because a newer version manages them. */
export function factsOf({ ages }: Pick<CarryOutDeps, 'ages'>, { keys, databaseNow }: SigningKeysRead): KeyFacts[] {
  const standing = keys.flatMap((key) => {
    const { kid, state, createdAt, activatedAt, retiringAt } = key
    const kind = kindOf(key)
    if (kind === undefined) return []
    const since = (state === 'active' ? activatedAt : state === 'retiring' ? retiringAt : undefined) ?? createdAt
    return [{ ...kind, kid, state, sinceMs: since.getTime() + MAX_COMMIT_MS }]
  })
  return ages.look(standing, databaseNow.getTime())
}
