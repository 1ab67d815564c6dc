import type { InTurn } from '../ledger/ledger.ts'
import type { Principal } from '../ledger/principal.ts'
import { createFairShare, type FairShare } from '../platform/limits/fair-share.ts'
import { createShares } from '../platform/limits/shares.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import type { Policy } from './policy.ts'

/**
 * A kind of work that waits for the database, with places of its own:
 *
 * - `urgent`: changes that take authority away, such as suspensions and revocations.
 * - `change`: all other changes.
 * - `read`: reads by operators and the administrator.
 * - `public-read`: reads by callers without authentication.
 */
export type Lane = 'urgent' | 'change' | 'read' | 'public-read'

/** The numbers of places of each lane: one place is the use of one connection. */
export type LanePlaces = Readonly<Record<Lane, number>>

/** How many places one caller may have in each lane at the same time. */
const PER_CALLER: LanePlaces = {
  // More than one would wait for the same rows, each with a connection.
  urgent: 1,
  change: 1,
  read: 2,
  'public-read': 2,
}

/** The part of the free waiting places for which one caller may wait. */
const WAITING_PART = 0.5

type Line = Pick<
  Policy<Readonly<Record<string, unknown>>>,
  'action' | 'urgent' | 'takesEvents' | 'fromMemory' | 'limit'
>

/**
 * Returns the lane of a call. Undefined if the call takes no place: it is answered from memory, it may wait for
 * events, it asks for a token or a verification, whose statements are batched, or for a graph, which has places of
 * its own.
 */
export function laneOf(
  { action, urgent, takesEvents, fromMemory, limit }: Line,
  { kind }: Principal,
): Lane | undefined {
  if (urgent === true) return 'urgent'
  if (action !== undefined) return 'change'
  if (takesEvents === true || fromMemory === true) return undefined
  if (kind !== 'anonymous') return 'read'
  return limit === 'read' ? 'public-read' : undefined
}

/** Where the work of one call waits for its turn. */
export interface CallTurns {
  /** Runs the handler. A read waits for its turn here. */
  readonly handler: InTurn
  /** Runs a transaction of the handler. It waits for its turn before it takes a connection. */
  readonly transaction: InTurn
  /** Records a refusal. It waits even if the caller has stopped waiting. */
  readonly refusal: InTurn
}

/** Returns the turns of a call. */
export type Turns = (line: Line, principal: Principal, waiting: Waiting) => CallTurns

/** A call that waits. */
export interface Waiting {
  /** Address of the caller. */
  readonly source: string
  /** Returns whether the caller has stopped waiting. */
  readonly isOver: () => boolean
}

const atOnce: InTurn = (work) => work()

/**
 * Creates the turns of all calls of a process. In each lane, operators take turns with other operators and with the
 * administrator, and callers without authentication by their source addresses. At most half of the calls in flight may
 * wait for their turns.
 */
export function createTurns({
  lanePlaces,
  maxConcurrency,
}: {
  readonly lanePlaces: LanePlaces
  readonly maxConcurrency: number
}): Turns {
  const waitingPlaces = createShares({ max: Math.ceil(maxConcurrency / 2), part: WAITING_PART, keptMs: 0 })
  const shareOf = (lane: Lane): FairShare =>
    createFairShare({ total: lanePlaces[lane], perKey: PER_CALLER[lane] }, waitingPlaces)
  const shares: Readonly<Record<Lane, FairShare>> = {
    urgent: shareOf('urgent'),
    change: shareOf('change'),
    read: shareOf('read'),
    'public-read': shareOf('public-read'),
  }
  return (line, principal, { source, isOver }) => {
    const lane = laneOf(line, principal)
    const key = keyOf(principal, source)
    const inLane: InTurn = lane === undefined ? atOnce : (work) => shares[lane](key, work, isOver)
    const isChange = line.action !== undefined
    return {
      // A change may wait for DNS or for another server before its transaction, and must keep no place meanwhile.
      handler: isChange ? atOnce : inLane,
      transaction: isChange ? inLane : atOnce,
      refusal: (work) => shares.change(key, work),
    }
  }
}

function keyOf(principal: Principal, source: string): string {
  if (principal.kind === 'anonymous') return `source ${sourceKey(source)}`
  return principal.kind === 'admin' ? 'admin' : `operator ${principal.operatorId}`
}
