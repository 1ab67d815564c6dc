import type { Logger } from '../log/log.ts'
import type { CountBusEvent } from './bus.ts'

/** Where what goes wrong in the bus's users is told. */
export interface ContainDeps {
  readonly count: CountBusEvent
  readonly log: Logger
}

/** Does the work of a user of the bus, which may throw without harm to the bus and its other users. */
export function contain({ count, log }: ContainDeps, work: () => void): void {
  try {
    work()
  } catch (error) {
    count('failed')
    log.error({ error }, 'what the bus called has failed')
  }
}
