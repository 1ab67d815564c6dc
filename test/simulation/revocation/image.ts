import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { LogHead, Member } from '../../../services/revocation/ports.ts'
import { rotate, type UserPart, type UserRow } from './users.ts'

/** The target of a revocation: the kind, the operator and the subject of its record. */
export interface Target {
  readonly kind: string
  readonly operatorId: string
  readonly subject: string
  readonly minimumEpoch: number
  /** The deployment whose log has the record: another one, or this one. */
  readonly at?: 'home' | undefined
  /** What the target is of a user on which tokens for the user rest; undefined for other targets. */
  readonly of?: { readonly user: string; readonly part: UserPart }
}

/** The content of the database's tables at one moment. */
export interface Image {
  /** Names the server. Another one after each restart and each promotion. */
  server: string
  timeline: number
  head: LogHead & { readonly timeline: number }
  log: readonly RevocationRecord[]
  readonly members: Map<string, Member>
  /** The true commit time of everything that has ended, by `keyOf`. */
  readonly ended: Map<string, number>
  /** Users by subject, with everything on which their tokens rest. */
  readonly users: Map<string, UserRow>
}

/** Creates an empty database. */
export function createImage(): Image {
  return {
    server: 'server 1',
    timeline: 1,
    head: { logEpoch: 1, sequence: 0, hash: '', compactedThrough: 0, timeline: 1 },
    log: [],
    members: new Map(),
    ended: new Map(),
    users: new Map(),
  }
}

/** Copies an image, for a standby that does not receive later changes. */
export function copyOf(image: Image): Image {
  return { ...image, members: new Map(image.members), ended: new Map(image.ended), users: new Map(image.users) }
}

/** Returns a unique string for each target. */
export function keyOf({ kind, operatorId, subject }: Omit<Target, 'minimumEpoch'>): string {
  return `${kind} ${operatorId} ${subject}`
}

/** Returns the number of a target, by which similar targets differ. */
export function numberOf({ subject, operatorId }: Pick<Target, 'subject' | 'operatorId'>): number {
  return Number(/\d+$/.exec(subject + operatorId)?.[0] ?? 0)
}

/** Tells whether a version before the records about trust does not know this kind. */
export function isAboutTrust({ kind }: Pick<Target, 'kind'>): boolean {
  return kind === 'issuer' || kind === 'edge'
}

/** Begins a new log epoch after a promotion. Every writer calls this. */
export function beginLogEpoch(image: Image): void {
  const { head, timeline } = image
  if (head.timeline !== timeline) image.head = { ...head, logEpoch: head.logEpoch + 1, timeline }
}

/** Ends a target and returns its record; undefined if the target was ended before. */
export function end(image: Image, target: Target, now: number, keptFor: number): RevocationRecord | undefined {
  if (!endRows(image, target, now)) return undefined
  beginLogEpoch(image)
  const { logEpoch, sequence, hash } = image.head
  const { of: _of, ...named } = target
  const fields = { logEpoch, sequence: sequence + 1, ...named, previousHash: hash }
  const record = { ...fields, expiresAt: Math.round(now + keptFor), recordedAt: Math.round(now) }
  const appended = { ...record, hash: recordHash(record) }
  image.log = [...image.log, appended]
  image.head = { ...image.head, sequence: appended.sequence, hash: appended.hash }
  return appended
}

/** Ends a target in all tables but the log. Returns false if it was ended before. */
export function endRows(image: Image, target: Target, now: number): boolean {
  const key = keyOf(target)
  if (image.ended.has(key)) return false
  image.ended.set(key, now)
  if (target.of !== undefined) rotate(image.users, target.of, target)
  return true
}

/** Removes the records before the first one that can still end a token. */
export function compact(image: Image, now: number): void {
  const first = image.log.findIndex(({ expiresAt }) => expiresAt >= now)
  const gone = first < 0 ? image.log : image.log.slice(0, first)
  const last = gone.at(-1)
  if (last === undefined) return
  image.log = image.log.slice(gone.length)
  image.head = { ...image.head, compactedThrough: last.sequence }
}

/** Stores a renewal or an acknowledgement. Returns false if the incarnation has no row. */
export function updateMember(image: Image, incarnation: string, position: LogPosition, renewals: number): boolean {
  const row = image.members.get(incarnation)
  if (row === undefined) return false
  const { logEpoch, sequence: acknowledged } = position
  image.members.set(incarnation, { ...row, logEpoch, acknowledged, renewals: row.renewals + renewals })
  return true
}
