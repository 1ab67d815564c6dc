import { formOf } from './bearers.ts'
import type { RevocationCall, Verification } from './history.ts'
import { HOME_BOUND_MS } from './home.ts'
import { end, isAboutTrust, keyOf, type Target } from './image.ts'
import type { Instance } from './instance.ts'
import { LEASE_MS, type Wish } from './schedule.ts'
import type { World } from './world.ts'

/** A target that no revocation ends. */
export const STANDING: Target = { kind: 'token', operatorId: 'operator', subject: 'standing', minimumEpoch: 0 }

const ATTEMPTS = 4

/** Returns the processes that understand a target. Those of an older version know no tokens for grants. */
export function understanding(world: World, { at }: Target): readonly Instance[] {
  return world.all().filter(({ isOlder }) => at === undefined || !isOlder)
}

/** Sends a verification to a process. The request takes time to arrive, and waits while the process is stopped. */
export function sendVerification({ events, random, history }: World, to: Instance, target: Target): Verification {
  const seen: Verification = { target: keyOf(target), process: to.name, sent: history.moment() }
  history.verifications.push(seen)
  const form = formOf(target, history.verifications.length)
  events.after(random.between(0, 0.5), () =>
    to.process.deliver(() => {
      void to.verify(target, form).then((answer) => Object.assign(seen, answer, { answered: history.moment() }))
    }),
  )
  return seen
}

/**
 * Ends a target. Repeats the call until it returns success, at most four times. Then asks every process about what the
 * target ends.
 */
export function fulfil(world: World, wish: Wish, ask = askEverybody, attempt = 1): void {
  const { events, random, history } = world
  const isNew = isAboutTrust(wish.target) || wish.target.of !== undefined
  const revokers = world.all().filter(({ revokes, isOlder }) => revokes && !(isOlder && isNew))
  if (attempt > ATTEMPTS || revokers.length === 0) return
  const to = random.pick(revokers)
  const call: RevocationCall = { target: keyOf(wish.target), process: to.name, called: history.moment() }
  history.revocations.push(call)
  let isOver = false
  const finish = (outcome: 'acknowledged' | 'failed' | undefined) => {
    if (isOver) return
    isOver = true
    if (outcome !== undefined) Object.assign(call, { returned: history.moment(), outcome })
    if (outcome === 'acknowledged') ask(world, wish.target)
    // Repeat the call if it did not succeed, and sometimes even if it did.
    if (outcome !== 'acknowledged' || random.chance(0.1))
      events.after(random.between(0, 0.1) * LEASE_MS, () => fulfil(world, wish, ask, attempt + 1))
  }
  events.after(wish.patienceMs, () => finish(undefined))
  events.after(random.between(0, 0.5), () =>
    to.process.deliver(() => {
      void to.revoke(wish.target).then(
        () => finish('acknowledged'),
        () => finish('failed'),
      )
    }),
  )
}

/** Ends a target at the other deployment. Asks every process when it must refuse the token. */
export function endAtHome(world: World, target: Target): void {
  const { events, history, home } = world
  end(home.image, target, events.now(), Number.MAX_SAFE_INTEGER)
  events.after(HOME_BOUND_MS, () => {
    history.endedAtHome.set(keyOf(target), history.moment())
    askEverybody(world, target)
  })
}

function askEverybody(world: World, target: Target): void {
  const { events } = world
  for (const instance of understanding(world, target)) {
    for (const ms of drawDelays(world)) events.after(ms, () => void sendVerification(world, instance, target))
  }
}

/** Draws when a process is asked after a revocation has returned: at once, and later. */
export function drawDelays({ random }: World): readonly number[] {
  const parts = [0, random.between(0, 0.08), random.between(0.08, 0.3), random.between(0.3, 2)]
  return parts.map((part) => part * LEASE_MS)
}
