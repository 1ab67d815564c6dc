import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { PublishedRecordSchema, VerifierAcknowledgementSchema } from '../../gen/proto/auth4agent/internal/v1/bus_pb.ts'
import type { Bus } from '../platform/bus/bus.ts'
import { fromRecord, toRecord } from './messages.ts'
import type { RevocationBus } from './ports.ts'

const RECORDS = 'revocation.records'
const ACKNOWLEDGEMENTS = 'revocation.acknowledgements'

const topicOf = (process: string) => `${ACKNOWLEDGEMENTS}.${process}`
/** The characters that a part of a topic may contain. */
const NAME = /^[\w-]+$/

/**
 * Sends and receives records and acknowledgements over a bus that seals its messages. Drops messages that it cannot
 * read, because the database has their content too.
 * @param name unique name of this process on the bus
 */
export function createRevocationBus(bus: Bus, name: string): RevocationBus {
  return {
    get isConnected() {
      return bus.isConnected
    },
    publishRecord(record, trace) {
      const traceparent = trace?.traceparent ?? ''
      const message = create(PublishedRecordSchema, { record: toRecord(record), replyTo: name, traceparent })
      bus.publish(RECORDS, toBinary(PublishedRecordSchema, message))
    },
    publishAcknowledgement({ incarnation, logEpoch, sequence }, replyTo) {
      if (!NAME.test(replyTo)) return
      const message = create(VerifierAcknowledgementSchema, { incarnation, logEpoch, sequence: BigInt(sequence) })
      bus.publish(topicOf(replyTo), toBinary(VerifierAcknowledgementSchema, message))
    },
    onRecord(listener) {
      bus.subscribe(RECORDS, (payload) => {
        const message = read(PublishedRecordSchema, payload)
        const record = message?.record && fromRecord(message.record)
        if (message === undefined || record === undefined) return
        const { replyTo, traceparent } = message
        if (traceparent === '') listener(record, replyTo)
        else listener(record, replyTo, { traceparent, isClaimed: false })
      })
    },
    onAcknowledgement(listener) {
      bus.subscribe(topicOf(name), (payload) => {
        const message = read(VerifierAcknowledgementSchema, payload)
        if (message === undefined) return
        const { incarnation, logEpoch, sequence } = message
        listener({ incarnation, logEpoch, sequence: Number(sequence) })
      })
    },
  }
}

function read<D extends DescMessage>(schema: D, payload: Uint8Array): MessageShape<D> | undefined {
  try {
    return fromBinary(schema, payload)
  } catch {
    return undefined
  }
}
