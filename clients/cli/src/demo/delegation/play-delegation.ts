import type { Scene } from '../parties.ts'
import { enterCast } from './cast.ts'
import { showAudits, suspendMiddle } from './end.ts'
import { exchange } from './exchange.ts'
import { handOn, payWithin } from './hand-on.ts'
import { handOnMore, steal, tryMore } from './overreach.ts'

/**
 * Runs all steps of a delegation through three agents, and prints each step. At the end it releases both domains, also
 * after a failure. If `keeps` is true, it keeps them after a success. Rejects with the error of a failed step.
 */
export async function playDelegation(scene: Scene, keeps: boolean): Promise<void> {
  await using ending = new AsyncDisposableStack()
  let isKept = false
  const cast = await enterCast(scene, ending, () => isKept)
  const holders = await handOn(scene, cast, ending)
  await payWithin(scene, cast, holders)
  await exchange(scene, cast, holders)
  await tryMore(scene, cast, holders)
  await handOnMore(scene, cast, holders)
  await steal(scene, cast, holders)
  await suspendMiddle(scene, cast, holders)
  await showAudits(scene, cast)
  if (keeps) await cast.partner.operator.agents.reactivate(cast.planner.did)
  isKept = keeps
}
