import { expose, keepCounts, type Snapshot } from '../../platform/metrics/aggregate.ts'
import { type Exposition, rememberExposition } from '../../platform/metrics/exposition.ts'

/** The metrics of a server whose work several processes do. */
export interface Gathering {
  /** What they have counted together; of one that does not answer in time what it said last. */
  readonly exposition: Exposition
  /** Adds a worker. `ask` asks it for what it has counted; it answers to `received`. */
  join(ask: () => void): Contributor
}

/** One worker, for the metrics. */
export interface Contributor {
  received(snapshot: Snapshot): void
  /** It has ended; what it has counted stays counted. */
  leave(): void
}

interface Member {
  readonly ask: () => void
  latest: Snapshot
  answer: PromiseWithResolvers<void> | undefined
}

/** How long a worker may take to say what it has counted, in milliseconds. */
const ANSWER_MS = 500

/**
 * Gathers what workers have counted.
 * @param own the metrics of the process that gathers, which has so many workers
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
          // Whoever asks for the metrics hears of it.
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
