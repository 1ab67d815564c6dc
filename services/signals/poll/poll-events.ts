import type { PollEventsRequest, SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { SignalsDeps } from '../config.ts'
import type { NextSet, NextSets } from '../events/next-sets.ts'
import { streamNameOf } from '../management/operator-of.ts'
import type { StreamName } from '../store/change-stream.ts'
import { LOST, pauseStream } from '../store/pause-stream.ts'
import { advance } from '../store/progress.ts'
import { findStream } from '../store/read-stream.ts'
import type { Stream } from '../store/stream.ts'
import { acknowledge } from './acknowledge.ts'
import { lookUntil } from './look-until.ts'
import { MAX_EVENTS, type Poll, readPoll } from './read-poll.ts'

/** What a poll needs. */
export type PollDeps = Pick<
  SignalsDeps,
  'db' | 'now' | 'readNextSets' | 'wakes' | 'waiting' | 'waitMs' | 'limitSets' | 'log'
>

/** What a stream has to deliver now. */
interface Outstanding {
  readonly sets: readonly NextSet[]
  readonly more: boolean
}

/** The largest number of events that are read at once. A receiver can leave one event behind so many others. */
const MAX_READ = 1_000
/** How often a poll begins again because another process has moved the stream. */
const ATTEMPTS = 5
/** How often a poll that waits looks without a wake, and how often it looks at most. */
const LOOKS = { everyMs: 2_000, gapMs: 500 }
/** How many errors of one request are logged. */
const LOGGED_ERRORS = 8
const NO_EVENTS: ReadonlySet<string> = new Set()

/** Polls a stream (RFC 8936). Throws ApiError STREAM_NOT_FOUND, INVALID_ARGUMENT, UNAVAILABLE. */
export async function pollEvents(
  deps: PollDeps,
  request: PollEventsRequest,
  call: Call,
): ReturnType<Handlers<typeof SignalService>['pollEvents']> {
  const poll = readPoll(request)
  const name = streamNameOf(request.streamId, call)
  const now = await take(deps, name, poll.handled)
  if (poll.errors.size > 0) logErrors(deps, name, poll)
  if (poll.maxEvents === 0) return { sets: [], moreAvailable: now.sets.length > 0 }
  const outstanding = now.sets.length > 0 || poll.returnsImmediately ? now : await waitFor(deps, name)
  const sent = outstanding.sets.slice(0, poll.maxEvents)
  if (sent.length > 0) deps.limitSets(name.operatorId, sent.length)
  return {
    sets: await Promise.all(sent.map(async (each) => ({ jti: each.jti, set: await each.sign() }))),
    moreAvailable: outstanding.more || outstanding.sets.length > sent.length,
  }
}

/** Waits until there are events. Does not wait if too many polls wait already. */
async function waitFor(deps: PollDeps, name: StreamName): Promise<Outstanding> {
  const none: Outstanding = { sets: [], more: false }
  const leave = deps.waiting(name.operatorId)
  if (leave === undefined) return none
  try {
    const look = async () => {
      const outstanding = await take(deps, name, NO_EVENTS)
      return outstanding.sets.length > 0 ? outstanding : undefined
    }
    return (await lookUntil(deps.wakes, { waitMs: deps.waitMs, ...LOOKS }, look)) ?? none
  } finally {
    leave()
  }
}

/** Stores acknowledgements, and returns what the stream has still to deliver. */
async function take(deps: PollDeps, name: StreamName, handled: ReadonlySet<string>): Promise<Outstanding> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stream = await findStream(deps.db.prisma, name.operatorId, name.id)
    if (stream?.deliveryMethod !== 'poll') throw new ApiError('STREAM_NOT_FOUND')
    const next = await readNext(deps, stream, handled)
    if ('lost' in next) {
      await pauseStream({ prisma: deps.db.prisma, now: deps.now }, stream, LOST)
      continue
    }
    const { progress, outstanding } = acknowledge(stream, next, handled)
    if (progress !== undefined && !(await advance(deps.db.pool, stream, progress))) continue
    if (stream.status === 'enabled') return { sets: outstanding, more: next.more }
    return { sets: outstanding.filter((set) => isAboutStatus(stream, set)), more: false }
  }
  throw new ApiError('UNAVAILABLE', 'Other requests poll this stream at the same time', {
    isFault: false,
    retryAfter: 1,
  })
}

/** A paused stream delivers no events of the log, but its receiver may still acknowledge those that it has. */
async function readNext(deps: PollDeps, stream: Stream, handled: ReadonlySet<string>): Promise<NextSets> {
  const limit = Math.min(MAX_EVENTS + stream.acknowledged.length, MAX_READ)
  if (stream.status !== 'paused' || handled.size === 0) return deps.readNextSets(stream, { limit })
  const held = await deps.readNextSets({ ...stream, status: 'enabled' }, { limit })
  return 'lost' in held ? deps.readNextSets(stream, { limit }) : held
}

function isAboutStatus({ pending }: Stream, { jti }: NextSet): boolean {
  return pending.some((event) => event.jti === jti && event.kind === 'stream-updated')
}

function logErrors({ log }: PollDeps, { id }: StreamName, { errors }: Poll): void {
  const some = Object.fromEntries([...errors].slice(0, LOGGED_ERRORS))
  log.warn({ stream: id, errors: some }, 'a receiver could not use security event tokens')
}
