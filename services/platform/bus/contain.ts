import type { Logger } from '../log/log.ts'
import type { CountBusEvent } from './bus.ts'

/** Options of contain. */
export interface ContainDeps {
  readonly count: CountBusEvent
  readonly log: Logger
}

/** Runs the handler of a bus message. Logs and counts an error of the handler, so that the bus can continue. */
export function contain({ count, log }: ContainDeps, work: () => void): void {
  try {
    work()
  } catch (error) {
    count('failed')
    log.error({ error }, 'a handler of a bus message failed')
  }
}
