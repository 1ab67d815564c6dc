import { formOf } from './bearers.ts'
import type { RevocationCall, Verification } from './history.ts'
import { isAboutTrust, keyOf, type Target } from './image.ts'
import type { Instance } from './instance.ts'
import { LEASE_MS, type Wish } from './schedule.ts'
import type { World } from './world.ts'

/** A target that no revocation ends. */
export const STANDING: Target = { kind: 'token', operatorId: 'operator', subject: 'standing', minimumEpoch: 0 }

const ATTEMPTS = 4

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

/** Ends a target. Repeats the call until it returns success, at most four times. Then asks every process. */
export function fulfil(world: World, wish: Wish, attempt = 1): void {
  const { events, random, history } = world
  const revokers = world.all().filter(({ revokes, isOlder }) => revokes && !(isOlder && isAboutTrust(wish.target)))
  if (attempt > ATTEMPTS || revokers.length === 0) return
  const to = random.pick(revokers)
  const call: RevocationCall = { target: keyOf(wish.target), process: to.name, called: history.moment() }
  history.revocations.push(call)
  let isOver = false
  const finish = (outcome: 'acknowledged' | 'failed' | undefined) => {
    if (isOver) return
    isOver = true
    if (outcome !== undefined) Object.assign(call, { returned: history.moment(), outcome })
    if (outcome === 'acknowledged') askEverybody(world, wish.target)
    // Repeat the call if it did not succeed, and sometimes even if it did.
    if (outcome !== 'acknowledged' || random.chance(0.1))
      events.after(random.between(0, 0.1) * LEASE_MS, () => fulfil(world, wish, attempt + 1))
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

function askEverybody(world: World, target: Target): void {
  const { events, random } = world
  for (const instance of world.all()) {
    const delays = [0, random.between(0, 0.08), random.between(0.08, 0.3), random.between(0.3, 2)]
    for (const delay of delays) events.after(delay * LEASE_MS, () => void sendVerification(world, instance, target))
  }
}
