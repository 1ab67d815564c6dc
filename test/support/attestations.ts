import { create } from '@bufbuild/protobuf'
import {
  AttestationDemandSchema,
  AttestationFindingSchema,
  EnrolmentBoundsSchema,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'

const HOUR_MS = 3_600_000
/** A result of attestation, as an answer of the server states it. */
export const RESULT = { attestor: 'boot', type: 'tpm', level: 'hardware', at: 1_700_000_000n }

/** Returns the time so many milliseconds from now. */
export function inMs(rest: number): bigint {
  return BigInt(Date.now() + rest)
}

/** Makes a requirement that the agent meets for an hour, for all scopes and audiences unless the terms say less. */
export function metDemand(terms: object = {}) {
  return create(AttestationDemandSchema, { name: 'boot', metUntil: inMs(HOUR_MS), ...terms })
}

/** Makes a requirement that the agent does not meet. */
export function unmetDemand(terms: object = {}) {
  return create(AttestationDemandSchema, { name: 'boot', lack: 'it needs a result of boot', ...terms })
}

/** Makes a result that counts for an hour. */
export function finding(terms: object = {}) {
  return create(AttestationFindingSchema, { ...RESULT, expiresAt: inMs(HOUR_MS), ...terms })
}

/** Makes the bounds of an enrolment rule. */
export function bounds(terms: object = {}) {
  return create(EnrolmentBoundsSchema, terms)
}
