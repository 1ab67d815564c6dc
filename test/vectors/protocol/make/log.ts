import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { ages } from './log-ages.ts'
import { effects } from './log-effects.ts'
import { event, head, KEY, LOG, lastEventId, NOW_MS, positionOf, TRUST } from './log-records.ts'
import { streams } from './log-streams.ts'
import { describe } from './parties.ts'

/** Makes records of the revocation log with their hashes, streams, and the state of a watcher that reads them. */
export function makeLog(): object {
  return {
    description: describe(
      'The revocation log. `records`: a record, the bytes that are hashed and the event that is sent.',
      '`heartbeat`: a head and the event that is sent.',
      'The hash is SHA-256 over the bytes of the previous hash followed by `fields` in UTF-8.',
      '`ages`: for each head, the time up to which the watcher has certainly read the whole log, in milliseconds of its clock.',
      '`effects`: the verdict on a token after some records. `records` lists the sequences of these records.',
      '`events`: texts by their names. `streams`: the texts that a watcher reads over several connections,',
      'and the state of the watcher after the last one.',
    ),
    records: [...LOG, ...TRUST].map(described),
    heartbeat: {
      observed_at_ms: NOW_MS + 60_000,
      position: positionOf(KEY),
      expect: { event: head(KEY) },
    },
    ages: ages(),
    effects: effects(),
    ...streams(),
  }
}

function described(record: RevocationRecord): object {
  const { logEpoch, sequence, kind, operatorId, subject, minimumEpoch, expiresAt, recordedAt, previousHash } = record
  const fields = [logEpoch, sequence, kind, operatorId, subject, minimumEpoch, expiresAt, recordedAt].join('\n')
  return {
    name: `record ${sequence}, of kind ${kind}`,
    log_epoch: logEpoch,
    sequence,
    kind,
    operator_id: operatorId,
    subject,
    minimum_epoch: minimumEpoch,
    expires_at_ms: expiresAt,
    recorded_at_ms: recordedAt,
    previous_hash_hex: previousHash,
    expect: {
      fields,
      preimage_hex: previousHash + Buffer.from(fields).toString('hex'),
      hash_hex: record.hash,
      last_event_id: lastEventId(record),
      event: event(record),
    },
  }
}
