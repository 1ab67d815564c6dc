import { isOfKind, type KeyKind } from '../../../services/keys/domain/key-kinds.ts'
import type { KeyFacts, Step } from '../../../services/keys/domain/plan-rotation.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { checkCommit } from './checks.ts'
import { fetchKeySet, signAll } from './clients.ts'
import { type Row, takeStep } from './database.ts'
import type { Instance } from './world.ts'
import { blame, momentOf, note, type World } from './world.ts'

/** A change that an instance should make. */
export interface Change {
  readonly what: string
  readonly plan: (keys: readonly KeyFacts[]) => readonly Step[]
  readonly isForced?: boolean
  /** Called when there is nothing to do, or when the change is done. */
  readonly done?: () => void
  readonly crash: () => void
}

/**
 * Makes a change in two steps, as the server does: first creates keys, then plans again under the lock and executes
 * the plan.
 */
export function carryOut(world: World, instance: Instance, change: Change): void {
  const steps = attempt(world, instance, change)
  if (steps === undefined) return
  if (steps.length === 0) {
    change.done?.()
    return
  }
  const spare = steps.flatMap((step) => (step.to === 'new' ? [step] : []))
  world.timeline.after(world.random.between(0, 3), () => {
    if (!instance.isDead) transact(world, instance, change, spare)
  })
}

function attempt(world: World, instance: Instance, { what, plan }: Change): readonly Step[] | undefined {
  try {
    return plan(instance.look())
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    note(world, `${what}: ${error.reason}`)
    return undefined
  }
}

function transact(world: World, instance: Instance, change: Change, spare: KeyKind[]): void {
  const { random } = world
  const { crashes } = instance
  // In the worst case, a client fetches a copy or gets a token right before the change. So this does both now.
  for (const [index, { until }] of world.copies.entries()) if (until < world.timeline.now()) fetchKeySet(world, index)
  signAll(world, instance, world.timeline.now())
  const steps = attempt(world, instance, change)
  if (steps === undefined) return
  const stopBefore = crashes === 'before' ? 0 : crashes === 'between' ? random.below(steps.length + 1) : undefined
  const rows = takeSteps(world, steps, spare, stopBefore)
  if (rows === undefined) {
    crash(world, change)
    return
  }
  checkCommit(world, rows, change)
  world.rows = rows
  if (steps.length > 0) note(world, change.what)
  signAll(world, instance, world.timeline.now())
  if (crashes === 'after') {
    crash(world, change)
    return
  }
  instance.look()
  change.done?.()
}

function crash(world: World, change: Change): void {
  note(world, 'a process crashes')
  change.crash()
}

/** Returns the rows after all steps; undefined if the process crashes before. */
function takeSteps(
  world: World,
  steps: readonly Step[],
  spare: KeyKind[],
  stopBefore: number | undefined,
): readonly Row[] | undefined {
  const moment = momentOf(world)
  let { rows } = world
  for (const [index, step] of steps.entries()) {
    if (index === stopBefore) return undefined
    // If no key of this kind was created, the next pass adds one.
    if (step.to === 'new' && !take(spare, step)) continue
    try {
      rows = takeStep(rows, step, moment)
    } catch (error) {
      blame(world, `the database refuses: ${String(error)}`)
    }
  }
  return stopBefore === steps.length ? undefined : rows
}

function take(spare: KeyKind[], kind: KeyKind): boolean {
  const at = spare.findIndex((each) => isOfKind(kind, each))
  if (at >= 0) spare.splice(at, 1)
  return at >= 0
}
