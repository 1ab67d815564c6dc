import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  digestOf,
  EV_NO_ACTION,
  eventLog,
  type LogEvent,
  type LogHeader,
  localityEvent,
  secureBootEvent,
  separator,
} from '../../../../test/support/tpm/event-log.ts'
import { sha256 } from '../../../../test/support/tpm/memory-tpm.ts'
import { RefusedEvidence } from '../attestor-type.ts'
import { replayEventLog } from './event-log.ts'

const ZERO = Buffer.alloc(32)
const ONES = Buffer.alloc(32, 0xff)
const event = (pcr: number, text: string): LogEvent => ({ pcr, type: 0x0d, data: Buffer.from(text) })
const extend = (start: Uint8Array, ...events: readonly LogEvent[]) =>
  events.reduce<Uint8Array>((value, each) => sha256(value, digestOf(each)), start)
const localityThree = Buffer.from(`${'00'.repeat(31)}03`, 'hex')

describe('replayEventLog', () => {
  const [one, two, late] = [event(0, 'one'), event(0, 'two'), event(17, 'late launch')]
  const log = eventLog([one, event(4, 'loader'), two, separator(7), late])
  const withLocality = eventLog([{ ...event(0, 'x'), type: EV_NO_ACTION }, localityEvent(3), one])

  it.each([
    ['extends a PCR with its events in their order', log, 0, extend(ZERO, one, two)],
    ['extends each PCR with its own events only', log, 7, extend(ZERO, separator(7))],
    ['gives a PCR without events the value zero', log, 9, ZERO],
    ['gives a PCR of a dynamic launch without events the value of ones', log, 18, ONES],
    ['extends a PCR of a dynamic launch from ones', log, 17, extend(ONES, late)],
    ['gives the debug PCR without events the value zero', log, 16, ZERO],
    ['gives the PCR after those of a dynamic launch the value zero', log, 23, ZERO],
    ['begins PCR 0 with the startup locality', withLocality, 0, extend(localityThree, one)],
    [
      'ignores a startup locality of another PCR',
      eventLog([{ ...localityEvent(3), pcr: 1 }, one]),
      0,
      extend(ZERO, one),
    ],
    ['replays a log without events', eventLog([]), 0, ZERO],
    ['needs no digest of another bank', eventLog([{ ...one, algorithms: [11] }]), 0, extend(ZERO, one)],
  ])('%s', (_name, bytes, pcr, value) => {
    expect(Buffer.from(replayEventLog(bytes).valueOf(pcr)).toString('hex')).toBe(Buffer.from(value).toString('hex'))
  })

  it.each<[string, readonly LogEvent[], boolean | undefined]>([
    ['on, by the first event of PCR 7', [one, secureBootEvent(true), separator(7)], true],
    ['off, by the first event of PCR 7', [secureBootEvent(false), secureBootEvent(true)], false],
    ['unknown, if another event of PCR 7 comes first', [event(7, 'debug'), secureBootEvent(true)], undefined],
    ['unknown, if the event is of another PCR', [{ ...secureBootEvent(true), pcr: 8 }], undefined],
    ['unknown, if only the data of the event say so', [{ ...secureBootEvent(true), digest: ZERO }], undefined],
    ['unknown, if the event was not extended', [{ ...secureBootEvent(true), type: EV_NO_ACTION }], undefined],
    ['unknown without events', [], undefined],
  ])('says that Secure Boot is %s', (_name, events, secureBoot) => {
    expect(replayEventLog(eventLog(events)).secureBoot).toBe(secureBoot)
  })

  it.each<[string, Partial<LogHeader>, string]>([
    ['of another type', { type: 4 }, 'must begin with the event "Spec ID Event03"'],
    ['of the older format', { signature: 'Spec ID Event02\0' }, 'must begin with the event'],
    ['with more bytes', { end: Buffer.alloc(1) }, 'must have a header without bytes after its end'],
    ['without SHA-256', { algorithms: [[4, 20]] }, 'must list different algorithms, and SHA-256'],
    ['with SHA-256 of 20 bytes', { algorithms: [[11, 20]] }, 'must list different algorithms, and SHA-256'],
    [
      'with one algorithm twice',
      {
        algorithms: [
          [11, 32],
          [11, 32],
        ],
      },
      'must list different algorithms',
    ],
    ['with nine algorithms', { algorithms: Array.from({ length: 9 }, (_, id) => [id + 4, 32]) }, 'must have at most 8'],
    ['of another PCR', { pcr: 1 }, 'must begin with the event "Spec ID Event03"'],
  ])('refuses a header %s', (_name, header, message) => {
    expect(() => replayEventLog(eventLog([], header))).toThrow(message)
  })

  it.each<[string, Buffer, string]>([
    ['that is empty', Buffer.alloc(0), 'event_log must not end inside a field'],
    ['that is cut off', log.subarray(0, -1), 'event_log must not end inside a field'],
    ['with bytes after its end', Buffer.concat([log, Buffer.alloc(3)]), 'event_log must not end inside a field'],
    [
      'with an event without SHA-256',
      eventLog([{ ...one, algorithms: [4] }]),
      'must have a SHA-256 digest in each event',
    ],
    [
      'with an event without digests',
      eventLog([{ ...one, algorithms: [] }]),
      'must have a SHA-256 digest in each event',
    ],
    ['with a digest twice', eventLog([{ ...one, algorithms: [11, 11] }]), 'must have one digest of each algorithm'],
    [
      'with a digest that is not in the header',
      eventLog([{ ...one, algorithms: [12] }]),
      'must have one digest of each',
    ],
    [
      'with too many digests',
      eventLog([{ ...one, algorithms: [4, 11, 11] }]),
      'must not have more digests in an event',
    ],
    [
      'with two localities',
      eventLog([localityEvent(3), localityEvent(0)]),
      'must have at most one event StartupLocality',
    ],
    ['with a late locality', eventLog([one, localityEvent(3)]), 'must have at most one event StartupLocality'],
    ['with an unknown locality', eventLog([localityEvent(2)]), 'must have a startup locality of 0, 3, 4'],
    [
      'with a long locality',
      eventLog([{ ...localityEvent(3), data: Buffer.from('StartupLocality\0\x03\x03') }]),
      'must have a startup',
    ],
    [
      'with a short locality',
      eventLog([{ ...localityEvent(3), data: Buffer.from('StartupLocality\0') }]),
      'must have a startup',
    ],
  ])('refuses a log %s', (_name, bytes, message) => {
    expect(() => replayEventLog(bytes)).toThrow(message)
  })

  it('refuses or replays arbitrary changes of a log, and never fails otherwise', () => {
    const byte = fc.record({ at: fc.nat(log.length - 1), value: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 4 }), fc.nat(log.length), (changes, length) => {
        const changed = Buffer.from(log.subarray(0, length))
        for (const { at, value } of changes) if (at < length) changed[at] = value
        try {
          expect(replayEventLog(changed).valueOf(0)).toHaveLength(32)
        } catch (error) {
          expect(error).toBeInstanceOf(RefusedEvidence)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
