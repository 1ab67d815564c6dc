import { expose, keepCounts, type Snapshot } from '../../platform/metrics/aggregate.ts'
import { type Exposition, rememberExposition } from '../../platform/metrics/exposition.ts'

/** The metrics of a server that consists of several workers. */
export interface Gathering {
  /** The sum over all workers. A worker that does not answer in time counts with its last answer. */
  readonly exposition: Exposition
  /** Adds a worker. `ask` requests a snapshot of the worker's metrics. Pass the snapshot to `received`. */
  join(ask: () => void): Contributor
}

/** A worker that contributes metrics. */
export interface Contributor {
  received(snapshot: Snapshot): void
  /** Removes the worker after it has ended. Its counts stay in the sum. */
  leave(): void
}

interface Member {
  readonly ask: () => void
  latest: Snapshot
  answer: PromiseWithResolvers<void> | undefined
}

/** How long to wait for a worker's metrics, in milliseconds. */
const ANSWER_MS = 500

/**
 * Gathers the metrics of workers.
 * @param own returns the metrics of the gathering process, given the number of workers
 */
export function gatherMetrics(own: (workers: number) => Promise<Snapshot>): Gathering {
  const members = new Set<Member>()
  let departed: Snapshot = []
  let leaving: Promise<void> = Promise.resolve()
  const bury = async (last: Snapshot): Promise<void> => {
    departed = await keepCounts([departed, last])
  }
  return {
    exposition: rememberExposition(async () => {
      await Promise.all([...members].map(refresh))
      await leaving
      return expose([await own(members.size), departed, ...[...members].map(({ latest }) => latest)])
    }),
    join(ask) {
      const member: Member = { ask, latest: [], answer: undefined }
      members.add(member)
      return {
        received(snapshot) {
          member.latest = snapshot
          member.answer?.resolve()
        },
        leave() {
          if (!members.delete(member)) return
          member.answer?.resolve()
          leaving = leaving.then(() => bury(member.latest))
          // The next request for the metrics reports the error.
          leaving.catch(() => undefined)
        },
      }
    },
  }
}

async function refresh(member: Member): Promise<void> {
  const answer = Promise.withResolvers<void>()
  member.answer = answer
  const late = setTimeout(answer.resolve, ANSWER_MS)
  member.ask()
  await answer.promise
  clearTimeout(late)
}
