import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import { callerKey } from './choose-admission.ts'
import type { Admission, AdmissionPage, AdmittedIssuer, Position } from './read-answer.ts'

/** What the own deployment said about one audience, as it was at one moment. */
export interface AdmissionCopy {
  /** Admissions by {@link callerKey}, those of one operator in the order in which they are tried. */
  readonly byCaller: ReadonlyMap<string, readonly Admission[]>
  readonly issuers: ReadonlyMap<string, AdmittedIssuer>
  /** Whether only tokens that are bound to a key may call. */
  readonly boundOnly: boolean
  readonly position: Position
  /** When the first request began. */
  readonly readAt: Moment
  readonly maxAgeMs: number
  readonly size: number
}

/**
 * How long a copy may be used, in milliseconds. The revocation log keeps each record for 65 minutes, so the record of
 * every end since the copy was read is still in the log. The server may say less, but not more.
 */
const MAX_AGE_MS = 1_800_000
/** The most admissions of one audience. The server is asked about operators beyond. */
const MAX_ADMISSIONS = 10_000

/** Tells whether a copy is young enough to say yes. */
export function isUsable(copy: AdmissionCopy, now: Moment): boolean {
  return msSince(copy.readAt, now) < copy.maxAgeMs
}

/** Options of {@link readCopy}. */
export interface ReadCopyOptions {
  /** Reads the page that begins after a token. */
  readonly readPage: (token: string) => Promise<AdmissionPage>
  /** The copy before, if it may still be used. */
  readonly before: AdmissionCopy | undefined
  readonly skewMs: number
}

/**
 * Reads all pages of an audience. Rejects if a page was read before the request for it, or at an earlier position of
 * the revocation log than one before: such an answer may contain what has ended since.
 */
export async function readCopy({ readPage, before, skewMs }: ReadCopyOptions): Promise<AdmissionCopy> {
  const readAt = present()
  const byCaller = new Map<string, Admission[]>()
  const issuers = new Map<string, AdmittedIssuer>()
  let [size, token, maxAgeMs, boundOnly] = [0, '', MAX_AGE_MS, false]
  let position = before?.position
  let first: Position | undefined
  do {
    const page = await readPage(token)
    if (page.asOf < readAt.wall - skewMs) throw new RangeError('The admissions were read before they were asked for')
    if (position !== undefined && isBehind(page.position, position)) {
      throw new RangeError('The admissions are of an earlier position of the revocation log')
    }
    position = page.position
    first ??= position
    if (token !== '' && page.next === token) throw new TypeError('The pages of the admissions do not end')
    for (const admission of page.admissions) put(byCaller, admission)
    for (const [name, issuer] of page.issuers) issuers.set(name, issuer)
    size += page.admissions.length
    token = page.next
    maxAgeMs = Math.min(maxAgeMs, page.maxAgeS * 1_000)
    boundOnly ||= page.boundOnly
  } while (token !== '' && size < MAX_ADMISSIONS)
  return { byCaller, issuers, boundOnly, position: first, readAt, maxAgeMs, size }
}

function put(byCaller: Map<string, Admission[]>, admission: Admission): void {
  const key = callerKey(admission)
  const known = byCaller.get(key)
  if (known === undefined) byCaller.set(key, [admission])
  else known.push(admission)
}

/** A higher log epoch is later even if its sequence is lower: records can get lost with a database. */
function isBehind(position: Position, before: Position): boolean {
  if (position.logEpoch !== before.logEpoch) return position.logEpoch < before.logEpoch
  return position.sequence < before.sequence
}
