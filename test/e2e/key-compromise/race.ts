import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type Answer, outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import { until } from '../../support/until.ts'

/** A loop that requests tokens until it is stopped. */
export interface Race {
  /** Resolves when a few more tokens have been issued. */
  untilMore(): Promise<void>
  /** Stops the loop. Returns all tokens that were issued, and the outcomes of the refused requests. */
  stop(): Promise<{ readonly issued: readonly string[]; readonly refused: readonly string[] }>
}

const SOME = 6
const PACE_MS = 10

/** Requests tokens from each server, one at a time. Stops at the end of the test at the latest. */
export function issueUntilStopped(
  clients: readonly ProtocolClient[],
  request: (client: ProtocolClient) => Promise<Answer>,
): Race {
  const issued: string[] = []
  const refused: string[] = []
  const stopping = new AbortController()
  const loops = clients.map(async (client) => {
    while (!stopping.signal.aborted) {
      const answer = await request(client)
      if (answer.status === 200) issued.push(String(answer.body.token))
      else refused.push(outcomeOf(answer))
      await delay(PACE_MS)
    }
  })
  const end = async () => {
    stopping.abort()
    await Promise.all(loops)
  }
  onTestFinished(end)
  return {
    async untilMore() {
      const { length } = issued
      await until(
        async () => issued.length,
        (count) => count >= length + SOME,
      )
    },
    async stop() {
      await end()
      return { issued, refused }
    },
  }
}
