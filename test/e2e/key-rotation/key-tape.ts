import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { readKeyRows } from '../../support/signing-keys.ts'
import { type FetchedKeySet, fetchKeySet } from './caching-verifier.ts'
import type { IssuedToken } from './load.ts'

/** A recording of when clients could see which keys, on the monotonic clock in milliseconds. */
export interface KeyTape {
  /** Every copy of the JWKS that a client may have, in the order of arrival. */
  readonly keySets: readonly FetchedKeySet[]
  /** For each key that no longer signs, the time at which its row first showed that. */
  readonly retiringSince: ReadonlyMap<string, number>
  stop(): Promise<void>
}

type FirstSeen = Pick<IssuedToken, 'kid' | 'alg' | 'answeredAt'>

const KEY_SETS_EVERY_MS = 150
const STATES_EVERY_MS = 40

/** Starts to watch the JWKS of the servers and the rows of the keys. */
export function startTape(clients: readonly ProtocolClient[], db: Client): KeyTape {
  const keySets: FetchedKeySet[] = []
  const retiringSince = new Map<string, number>()
  const stopping = new AbortController()
  const watchSets = async (client: ProtocolClient) => {
    while (!stopping.signal.aborted) {
      keySets.push(await fetchKeySet(client))
      await delay(KEY_SETS_EVERY_MS)
    }
  }
  const watchStates = async () => {
    while (!stopping.signal.aborted) {
      const rows = await readKeyRows(db)
      const seenAt = performance.now()
      for (const { kid, state } of rows)
        if (state === 'retiring' && !retiringSince.has(kid)) retiringSince.set(kid, seenAt)
      await delay(STATES_EVERY_MS)
    }
  }
  const watches = [...clients.map(watchSets), watchStates()]
  return {
    keySets,
    retiringSince,
    async stop() {
      stopping.abort()
      await Promise.all(watches)
    },
  }
}

/**
 * Lists keys that are missing in a copy of the JWKS, although a client could still use this copy when a token of the
 * key arrived. A client can use a copy for its longest age after the request for it.
 */
export function missedInKeySets(tokens: readonly FirstSeen[], keySets: readonly FetchedKeySet[]): readonly string[] {
  const copies = keySets.map(({ requestedAt, maxAgeMs, body }) => ({
    until: requestedAt + maxAgeMs,
    kids: new Set(body.keys.map(({ kid }) => kid)),
  }))
  const firsts = new Map<string, FirstSeen>()
  for (const token of tokens) {
    const first = firsts.get(token.kid)
    if (first === undefined || token.answeredAt < first.answeredAt) firsts.set(token.kid, token)
  }
  return [...firsts.values()].flatMap(({ kid, alg, answeredAt }) =>
    copies
      .filter(({ until, kids }) => until > answeredAt && !kids.has(kid))
      .map(
        ({ until }) => `${alg} ${kid} is missing in a copy that is valid for ${Math.round(until - answeredAt)} ms more`,
      ),
  )
}

/** Lists keys that signed a token which was requested after the row of the key showed that the key no longer signs. */
export function signedByRetiring(
  tokens: readonly IssuedToken[],
  retiringSince: ReadonlyMap<string, number>,
): readonly string[] {
  return tokens.flatMap(({ kid, alg, begunAt }) => {
    const late = begunAt - (retiringSince.get(kid) ?? Number.POSITIVE_INFINITY)
    return late > 0 ? [`${alg} ${kid} signed ${Math.round(late)} ms after it had stopped signing`] : []
  })
}
