import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import {
  LogHeadSchema,
  type WatchRevocationsResponse,
  WatchRevocationsResponseSchema,
} from '../../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { compileEventWriter } from '../../../../services/jwks-gateway/rest/event-format.ts'
import { toPosition, toRecord } from '../../../../services/revocation/messages.ts'
import { DID, NOW_S, OPERATOR_ID, SIGNING_KEYS } from './parties.ts'

export const NOW_MS = NOW_S * 1000
export const HOUR_MS = 3_600_000
export const JTI = 'token-1'
const write = compileEventWriter(WatchRevocationsResponseSchema)

export const START: LogPosition = { logEpoch: 1, sequence: 0, hash: '' }

/** Makes the record that follows a position. */
export function append(after: LogPosition, part: Partial<RevocationRecord>): RevocationRecord {
  const sequence = after.sequence + 1
  const record = {
    logEpoch: after.logEpoch,
    sequence,
    kind: 'token',
    operatorId: '',
    subject: '',
    minimumEpoch: 0,
    expiresAt: NOW_MS + HOUR_MS + sequence * 1000,
    recordedAt: NOW_MS + sequence * 1000 + 123,
    previousHash: after.hash,
    ...part,
  }
  return { ...record, hash: recordHash(record) }
}

export const TOKEN = append(START, { kind: 'token', operatorId: OPERATOR_ID, subject: JTI })
export const AGENT = append(TOKEN, { kind: 'agent', operatorId: OPERATOR_ID, subject: DID, minimumEpoch: 4 })
export const OPERATOR = append(AGENT, { kind: 'operator', operatorId: OPERATOR_ID, minimumEpoch: 3 })
export const KEY = append(OPERATOR, { kind: 'key', subject: SIGNING_KEYS.EdDSA.kid })
/** A record after a standby was promoted, so it has log epoch 2. */
export const DEPLOYMENT = append(KEY, { kind: 'deployment', minimumEpoch: 7, logEpoch: 2 })
export const LOG = [TOKEN, AGENT, OPERATOR, KEY, DEPLOYMENT] as const

/** Another issuer, and an edge of trust. */
export const OTHER_ISSUER = 'https://other-issuer.example.com'
export const EDGE = '7b0d3f52-6c1e-8a94-9d27-1f5e8c3b6a40'
const ISSUER_ENDED = append(DEPLOYMENT, { kind: 'issuer', subject: OTHER_ISSUER, minimumEpoch: 5, logEpoch: 2 })
/** Records about trust, after those of the log. */
export const TRUST = [ISSUER_ENDED, append(ISSUER_ENDED, { kind: 'edge', subject: EDGE, logEpoch: 2 })] as const

function send(message: WatchRevocationsResponse['event']): string {
  return write(create(WatchRevocationsResponseSchema, { event: message }))
}

/** Returns the event of a record. */
export function event(record: RevocationRecord): string {
  return send({ case: 'record', value: toRecord(record) })
}

/** Returns the event of a head. */
export function head(at: LogPosition, observedAtMs = NOW_MS + 60_000): string {
  const value = create(LogHeadSchema, { position: toPosition(at), observedAt: timestampFromMs(observedAtMs) })
  return send({ case: 'head', value })
}

export function positionOf({ logEpoch, sequence, hash }: LogPosition): object {
  return { log_epoch: logEpoch, sequence, hash_hex: hash }
}

export function lastEventId({ logEpoch, sequence, hash }: LogPosition): string {
  return `${logEpoch}-${sequence}-${Buffer.from(hash, 'hex').toString('base64url')}`
}
