import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Database } from '../platform/db/database.ts'
import { listen } from '../platform/db/listen.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Acknowledgement, LogSignals } from './ports.ts'

/**
 * Which notifications a process needs. It listens to no others, because every listener must handle each notification.
 */
interface Heard {
  readonly records: boolean
  readonly acknowledgements: boolean
}

/** Listens to the notifications about the log (NOTIFY). The triggers and LogStore.acknowledge send them. */
export function listenToLog(
  database: Database,
  heard: Heard,
  log: Pick<Logger, 'warn'>,
): LogSignals & { close(): Promise<void> } {
  const records: ((sequence: number) => void)[] = []
  const acknowledgements: ((acknowledgement: Acknowledgement) => void)[] = []
  const hearRecord = (payload: string) => {
    const sequence = Number(payload)
    if (Number.isSafeInteger(sequence)) for (const listener of records) listener(sequence)
  }
  const hearAcknowledgement = (payload: string) => {
    const acknowledgement = parse(payload)
    if (acknowledgement !== undefined) for (const listener of acknowledgements) listener(acknowledgement)
  }
  const channels = {
    ...(heard.records && { auth4agent_revocation: hearRecord }),
    ...(heard.acknowledgements && { auth4agent_acknowledgement: hearAcknowledgement }),
  }
  const close = Object.keys(channels).length > 0 ? listen({ ...database, log, channels }) : async () => undefined
  return {
    onRecord: (listener) => void records.push(listener),
    onAcknowledgement: (listener) => void acknowledgements.push(listener),
    close,
  }
}

/** Parses `<incarnation> <log epoch> <sequence>`. Returns undefined if the payload has another form. */
function parse(payload: string): Acknowledgement | undefined {
  const [incarnation = '', ...numbers] = payload.split(' ')
  const [logEpoch = Number.NaN, sequence = Number.NaN] = numbers.map(Number)
  if (!isUuid(incarnation) || !Number.isSafeInteger(logEpoch) || !Number.isSafeInteger(sequence)) return undefined
  return { incarnation, logEpoch, sequence }
}
