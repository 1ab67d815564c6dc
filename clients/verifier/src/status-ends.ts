import { decodeAscii } from '@auth4agent/core/encoding/utf8'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { MAX_STATUS_LIST_BYTES, STATUS_LIST_MEDIA_TYPE } from '@auth4agent/core/status-list/status-list-token'
import { createStatusLists, type StatusLists } from '@auth4agent/core/status-list/status-lists'
import { type Fetch, fetchBytes } from './http.ts'
import type { Ends } from './judge.ts'
import type { KeyStore } from './key-store.ts'
import type { CoreSettings } from './options.ts'

/** How many lists of an issuer are kept in memory. Each takes at most 1 MiB. */
const CAPACITY = 32

/** Opens the status lists of an issuer. They are signed with keys of its JWKS. */
export function openStatusLists(
  { issuer, fetch, maxStalenessMs, skewS }: CoreSettings,
  keys: KeyStore,
  hear: { readonly onProblem: (error: unknown) => void; readonly onSuccess: () => void },
): StatusLists {
  return createStatusLists({
    issuer,
    algs: TOKEN_ALGORITHMS,
    findKey: (kid) => keys.find(kid),
    holds: (key, now) => keys.holds(key, now),
    fetchText: (uri) => fetchList(fetch, uri),
    skewS,
    maxAgeMs: maxStalenessMs,
    capacity: CAPACITY,
    ...hear,
  })
}

/**
 * Makes the knowledge of ends from status lists. The claim `status` of a genuine token names only lists of its issuer,
 * so no other address is ever fetched.
 */
export function createListEnds(lists: StatusLists): Ends {
  return {
    get version() {
      return lists.version
    },
    lookup({ claims: { status, iat } }) {
      if (status === undefined) return 'STATUS_MISSING'
      const { idx, uri } = status.status_list
      const list = lists.last(uri)
      const found = list?.statusAt(idx)
      if (found !== undefined) return found === 0 ? undefined : 'TOKEN_REVOKED'
      // A list may have grown since, but not a list that was signed after the token was issued.
      return list !== undefined && list.iat >= iat ? 'STATUS_MISSING' : undefined
    },
    isStale({ claims: { status } }, now) {
      if (status === undefined) return true
      const { idx, uri } = status.status_list
      return lists.peek(uri, now)?.statusAt(idx) === undefined
    },
    forgottenThroughS: Number.NEGATIVE_INFINITY,
    async renew({ claims: { status } }) {
      if (status !== undefined) await lists.find(status.status_list.uri)
    },
  }
}

async function fetchList(fetch: Fetch, uri: string): Promise<string> {
  const { body, headers } = await fetchBytes(fetch, uri, MAX_STATUS_LIST_BYTES, {
    headers: { accept: STATUS_LIST_MEDIA_TYPE },
  })
  const [type = ''] = (headers.get('content-type') ?? '').split(';')
  const text = decodeAscii(body)
  if (type.trim().toLowerCase() === STATUS_LIST_MEDIA_TYPE && text !== undefined) return text
  throw new TypeError(`${uri} must answer with ${STATUS_LIST_MEDIA_TYPE}`)
}
