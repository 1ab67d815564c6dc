import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { readKeyRows } from '../../support/signing-keys.ts'
import { type FetchedKeySet, fetchKeySet } from './caching-verifier.ts'
import type { IssuedToken } from './load.ts'

/** What could be seen of the keys, and when, by the monotonic clock, milliseconds. */
export interface KeyTape {
  /** Every copy of the key set that somebody may have, in the order they came. */
  readonly keySets: readonly FetchedKeySet[]
  /** From when on it was visible that a key had ceased to sign. */
  readonly retiringSince: ReadonlyMap<string, number>
  stop(): Promise<void>
}

type FirstSeen = Pick<IssuedToken, 'kid' | 'alg' | 'answeredAt'>

const KEY_SETS_EVERY_MS = 150
const STATES_EVERY_MS = 40

/** Starts to watch the key sets of servers, and the rows. */
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
 * Keys that some copy of the key set lacked which could still be in use when a token of theirs came, or later: such a copy has
 * been asked for no earlier than its longest age before.
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
      .map(({ until }) => `${alg} ${kid} is not in a copy good for ${Math.round(until - answeredAt)} ms more`),
  )
}

/** Tokens that a key has signed which had ceased to sign, for all to see, before they were asked for. */
export function signedByRetiring(
  tokens: readonly IssuedToken[],
  retiringSince: ReadonlyMap<string, number>,
): readonly string[] {
  return tokens.flatMap(({ kid, alg, begunAt }) => {
    const late = begunAt - (retiringSince.get(kid) ?? Number.POSITIVE_INFINITY)
    return late > 0 ? [`${alg} ${kid} has signed ${Math.round(late)} ms after it ceased to`] : []
  })
}
