import { carryOut } from './carry-out.ts'
import { checkPass } from './checks.ts'
import { createInstance } from './instance.ts'
import type { World } from './world.ts'

/** Starts an instance, which makes one pass after another. */
export function start(world: World, slot: number): void {
  const instance = createInstance(world)
  world.instances[slot] = instance
  const pass = () => {
    if (instance.isDead) return
    carryOut(world, instance, {
      what: 'schedule',
      plan: (keys) => world.parts.planSchedule(keys, world.settings.times),
      crash: () => restart(world, slot),
      done() {
        checkPass(world, instance)
        world.timeline.after(world.random.between(0, 2) * world.settings.passS, pass)
      },
    })
  }
  pass()
}

/** Ends an instance at once, and starts it again some time later. */
export function restart(world: World, slot: number): void {
  const instance = world.instances[slot]
  if (instance === undefined) return
  instance.isDead = true
  world.instances[slot] = undefined
  world.timeline.after(world.random.between(0, 2) * world.settings.passS, () => start(world, slot))
}
