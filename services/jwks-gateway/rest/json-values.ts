import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt'
import { invalid, wrongType } from './json-refusal.ts'

/** The deepest level at which an object or array of a Struct may be nested. The Struct itself is level 0. */
const MAX_STRUCT_DEPTH = 32

const RFC3339_UTC = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/

/** Reads bytes from standard base64 or base64url, with or without padding. */
export function readBytes(value: unknown, at: string): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw wrongType(at, 'base64')
  return bytes
}

/** Reads a Timestamp from RFC 3339 text in UTC. Refuses leap seconds, and days that do not exist. */
export function readTimestamp(value: unknown, at: string): Timestamp {
  const match = typeof value === 'string' ? RFC3339_UTC.exec(value) : null
  const toSeconds = match?.[1]
  const date = new Date(`${toSeconds}Z`)
  if (toSeconds === undefined || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(toSeconds)) {
    throw wrongType(at, 'an RFC 3339 time in UTC, such as 2026-01-15T10:30:00Z')
  }
  const nanos = Number((match?.[2] ?? '').padEnd(9, '0'))
  return create(TimestampSchema, { seconds: BigInt(date.getTime() / 1000), nanos })
}

/**
 * Reads a Struct from a JSON object. Throws INVALID_ARGUMENT for a number that is too large for a double, for more
 * than 32 levels, and for a member named `__proto__`.
 */
export function readStruct(value: unknown, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(at, 'an object')
  checkStructValue(value, at, 0)
  return value as JsonObject
}

function checkStructValue(value: unknown, at: string, depth: number): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalid(at, 'contains a number that is too large for a double')
  if (typeof value !== 'object' || value === null) return
  if (depth > MAX_STRUCT_DEPTH) throw invalid(at, `must not be nested deeper than ${MAX_STRUCT_DEPTH} levels`)
  // JSON.parse creates a member of this name. Code that copies members by assignment would set a prototype instead.
  if (Object.hasOwn(value, '__proto__')) throw invalid(at, 'must not contain a member named __proto__')
  for (const member of Object.values(value)) checkStructValue(member, at, depth + 1)
}
