import { compact, end } from './image.ts'
import type { Instance } from './instance.ts'
import type { Fault } from './schedule.ts'
import { LEASE_MS } from './schedule.ts'
import { FAIR, FOUL, type World } from './world.ts'

type Kind = Fault['kind']
type Of<K extends Kind> = Extract<Fault, { kind: K }>
/** Begins a fault. Returns a function that ends it. */
type Begin<F extends Fault> = (world: World, fault: F) => () => void

/** Begins a fault now, and ends it after its time. */
export function begin(world: World, fault: Fault): void {
  const { ms, ...what } = fault
  world.history.faults.push({ time: world.events.now(), what: JSON.stringify({ ...what, ms: Math.round(ms) }) })
  const start = FAULTS[fault.kind] as Begin<Fault>
  world.events.after(ms, start(world, fault))
}

const nothing = () => {}
const each = (instances: readonly Instance[], run: (instance: Instance) => void) => instances.forEach(run)
type Slow = (side: 'request' | 'reply', from: number, to: number) => Begin<Fault & { readonly process: string }>
const slow: Slow =
  (side, from, to) =>
  (world, { process }) => {
    const { link } = world.placeOf(process)
    link[side] = [from * LEASE_MS, to * LEASE_MS]
    return () => {
      link[side] = [0.1, 1]
    }
  }

const FAULTS: { readonly [K in Kind]: Begin<Of<K>> } = {
  pause(world, { process }) {
    const chosen = world.instancesOf(process)
    each(chosen, (instance) => instance.process.pause())
    return () => each(chosen, (instance) => instance.process.resume())
  },
  sleep(world, { process }) {
    world.placeOf(process).machine.sleep()
    return () => {
      world.placeOf(process).machine.wake()
      each(world.instancesOf(process), (instance) => instance.process.resume())
    }
  },
  crash(world, { process }) {
    each(world.instancesOf(process), (instance) => instance.process.kill())
    return () => {
      if (world.instancesOf(process).length === 0) world.start(process)
    }
  },
  replace(world, { process, isGraceful }) {
    const chosen = world.instancesOf(process)
    world.start(process)
    return () =>
      each(chosen, (instance) => {
        if (isGraceful) instance.process.deliver(() => void instance.stop())
        else instance.process.kill()
      })
  },
  'cut-database'(world, { process }) {
    const { link } = world.placeOf(process)
    link.isCut = true
    return () => {
      link.isCut = false
    }
  },
  'cut-home'(world, { process }) {
    const { homeLink } = world.placeOf(process)
    homeLink.isCut = true
    return () => {
      homeLink.isCut = false
    }
  },
  'slow-statements': slow('request', 0, 0.4),
  'slow-answers': slow('reply', 0.1, 0.8),
  'cut-bus'(world, { process, isNoticed }) {
    const { busLink } = world.placeOf(process)
    Object.assign(busLink, { isCut: true, isConnected: !isNoticed })
    return () => void Object.assign(busLink, { isCut: false, isConnected: true })
  },
  'bad-bus'({ weather }) {
    Object.assign(weather, FOUL)
    return () => void Object.assign(weather, FAIR)
  },
  'set-wall'(world, { process, by }) {
    world.placeOf(process).machine.setWall(by)
    return nothing
  },
  compact(world) {
    compactNow(world, world.events.now())
    return () => compactNow(world, world.events.now())
  },
  'unknown-kind'(world) {
    if (world.database.isDown) return nothing
    const target = { kind: 'device', operatorId: '', subject: String(world.events.now()), minimumEpoch: 0 }
    end(world.database.image, target, world.events.now(), 0)
    // An unknown record disappears when it expires, or after an upgrade.
    return () => compactNow(world, Number.POSITIVE_INFINITY)
  },
  'fail-over'({ database }) {
    database.crash()
    return () => database.promote()
  },
  'promote-unfenced'(world, { process, astray, astrayChecks }) {
    const { database } = world
    const { link } = world.placeOf(process)
    database.promoteUnfenced()
    Object.assign(link, { astray, astrayChecks })
    return () => {
      Object.assign(link, { astray: 0, astrayChecks: 0 })
      database.fence()
    }
  },
  'stall-standby'({ database }) {
    database.stall()
    return () => database.unstall()
  },
  'crash-database'({ database, events }, { catchUpMs, isLost }) {
    database.crash()
    return () => {
      if (!database.isDown) return
      database.restart()
      events.after(catchUpMs, () => {
        if (isLost) database.crash()
        if (isLost) database.promote()
        else database.catchUp()
      })
    }
  },
}

/** Removes records that can no longer end any token after `until`. */
export function compactNow({ database, history, events }: World, until: number): void {
  const { image } = database
  if (database.isDown) return
  const before = image.log
  compact(image, until)
  for (const { kind, operatorId, subject, sequence } of before)
    if (sequence <= image.head.compactedThrough) history.expired.set(`${kind} ${operatorId} ${subject}`, events.now())
}
