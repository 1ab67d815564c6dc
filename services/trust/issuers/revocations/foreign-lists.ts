import { decodeAscii } from '@auth4agent/core/encoding/utf8'
import type { Moment } from '@auth4agent/core/platform/moment'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { MAX_STATUS_LIST_BYTES, STATUS_LIST_MEDIA_TYPE } from '@auth4agent/core/status-list/status-list-token'
import { createStatusLists, type StatusLists } from '@auth4agent/core/status-list/status-lists'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { type StatusListReference, statusListBase } from '@auth4agent/core/token/status'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Logger } from '../../../platform/log/log.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import type { KnownIssuer } from '../known-issuer.ts'

/** The claims of a token that tell its place in a status list. */
type Listed = Pick<AccessTokenClaims, 'iat' | 'status'>

/** The status lists of the issuers with the mode `status_list`, as this process has them. */
export interface ForeignLists {
  /** Resolves when the list of a token may be used. Fetches it if necessary. Never rejects. */
  renew(issuer: KnownIssuer, claims: Listed): Promise<void>
  /** Looks a token up. Returns undefined if it is valid. Waits for nothing. */
  check(issuer: KnownIssuer, claims: Listed): Verdict | undefined
  /** Returns when the list of a token was signed, and how old it may become. Undefined without a list. */
  ageOf(issuer: KnownIssuer, claims: Listed): ListAge | undefined
  /** Returns when the oldest list of an issuer that may be used was signed, in Unix milliseconds. */
  asOf(issuerId: string): number | undefined
}

/** Milliseconds; `asOf` since 1970. */
interface ListAge {
  readonly asOf: number
  readonly maxMs: number
}

/** Dependencies of createForeignLists. */
export interface ForeignListsDeps {
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly skewS: number
  readonly log: Pick<Logger, 'warn'>
}

/** The lists of one issuer since it was last enabled. */
interface Known {
  readonly generation: number
  /** The newest row, whose keys may be used. */
  issuer: KnownIssuer
  readonly lists: StatusLists
  /** The problem that was logged last, so that an outage is logged once. */
  said: string | undefined
}

/** How many lists of an issuer are kept. Each takes at most 1 MiB. */
const CAPACITY = 8
const TIMEOUT_MS = 5_000

/** Creates the lists of this process. Nothing is fetched before a token needs it. */
export function createForeignLists({ outbound, now, skewS, log }: ForeignListsDeps): ForeignLists {
  const known = new Map<string, Known>()
  const moment = (): Moment => ({ monotonic: performance.now(), wall: now() })
  const open = (issuer: KnownIssuer): Known => {
    const own: Known = {
      generation: issuer.generation,
      issuer,
      said: undefined,
      lists: createStatusLists({
        issuer: issuer.issuer,
        algs: issuer.algorithms,
        findKey: (kid) => own.issuer.keys.get(kid),
        // A key may have been imported again, so the thumbprint decides.
        holds: ({ kid, alg }) => [...own.issuer.keys.values()].some((key) => key.kid === kid && key.alg === alg),
        fetchText: (uri) => fetchList(outbound, uri),
        skewS,
        maxAgeMs: issuer.maxStalenessMs,
        capacity: CAPACITY,
        now: moment,
        onProblem(error) {
          const { message } = error instanceof Error ? error : new Error(String(error))
          if (own.said === message) return
          own.said = message
          log.warn({ issuer: issuer.issuer, error }, 'a status list of an issuer cannot be used')
        },
        onSuccess() {
          own.said = undefined
        },
      }),
    }
    known.set(issuer.id, own)
    return own
  }
  const listsOf = (issuer: KnownIssuer): StatusLists => {
    const before = known.get(issuer.id)
    const own = before?.generation === issuer.generation ? before : open(issuer)
    own.issuer = issuer
    return own.lists
  }
  return {
    async renew(issuer, claims) {
      const place = placeOf(issuer, claims)
      if (place !== undefined)
        await listsOf(issuer)
          .find(place.uri)
          .catch(() => undefined)
    },
    check(issuer, claims) {
      const place = placeOf(issuer, claims)
      if (place === undefined) return 'STATUS_MISSING'
      const list = listsOf(issuer).peek(place.uri)
      if (list === undefined) return 'ISSUER_REVOCATIONS_STALE'
      const status = list.statusAt(place.idx)
      if (status !== undefined) return status === 0 ? undefined : 'TOKEN_REVOKED'
      // A list may have grown since, but not a list that was signed after the token was issued.
      return list.iat >= claims.iat ? 'STATUS_MISSING' : 'ISSUER_REVOCATIONS_STALE'
    },
    ageOf(issuer, claims) {
      const place = placeOf(issuer, claims)
      const list = place && listsOf(issuer).peek(place.uri)
      return list && { asOf: list.iat * 1_000, maxMs: Math.min(list.ttlS * 1_000, issuer.maxStalenessMs) }
    },
    asOf(issuerId) {
      const ageMs = known.get(issuerId)?.lists.ageMs()
      return ageMs === undefined ? undefined : now() - ageMs
    },
  }
}

/**
 * Returns the place of a token in a list of its issuer. A list at another address is never fetched, and so is none
 * whose address is not in its only form, because a path with dot segments leads elsewhere.
 */
function placeOf(issuer: KnownIssuer, { status }: Listed): StatusListReference | undefined {
  if (status === undefined) return undefined
  const { uri } = status.status_list
  return uri.startsWith(baseOf(issuer)) && parseNormalUrl(uri) !== undefined ? status.status_list : undefined
}

function baseOf({ issuer, kind, statusListUri }: KnownIssuer): string {
  if (kind === 'auth4agent') return statusListBase(issuer)
  return statusListUri === '' ? `${new URL(issuer).origin}/` : statusListUri
}

async function fetchList(outbound: Pick<Outbound, 'get'>, uri: string): Promise<string> {
  const accept = [STATUS_LIST_MEDIA_TYPE]
  const { body } = await outbound.get(uri, { accept, maxBytes: MAX_STATUS_LIST_BYTES, timeoutMs: TIMEOUT_MS })
  const text = decodeAscii(body)
  if (text === undefined) throw new TypeError('A status list must be ASCII')
  return text
}
