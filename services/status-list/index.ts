import { StatusListService } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import type { StatusListMetrics } from '../platform/metrics/status-list-metrics.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { createLists, type ListsDeps } from './lists.ts'
import { createListMaker, type MakeListDeps } from './make-list.ts'
import { createPlaces, type Places } from './places.ts'
import { statusListPolicies } from './policy.ts'
import { statusListRoutes } from './routes.ts'
import { listExists, listLists } from './store/list-lists.ts'
import { pruneLists } from './store/prune-lists.ts'

export { describeToken } from './domain/describe-token.ts'
export type { Places } from './places.ts'

/** Options of createStatusLists. */
export interface StatusListOptions extends MakeListDeps, Pick<ListsDeps, 'head' | 'monotonic'> {
  /** Gives a time that has certainly passed. Entries of tokens that expired before may be removed. */
  readonly passedTime: PassedTime
  readonly metrics: StatusListMetrics
}

/** The status lists of a process: places for its tokens, and the service that publishes the lists. */
export interface StatusLists {
  readonly places: Places
  readonly module: ServiceModule<typeof StatusListService>
  readonly jobs: readonly Job[]
}

/** Creates the status lists of a process. */
export function createStatusLists({ passedTime, metrics, ...deps }: StatusListOptions): StatusLists {
  const { pool, issuer } = deps
  const living = () => listLists(pool)
  const maker = createListMaker(deps)
  const lists = createLists({
    ...deps,
    make: (id) => maker.make(id),
    exists: (id) => listExists(pool, id),
    made: (seconds) => metrics.made(seconds),
  })
  const run = async () => {
    await pruneLists(pool, passedTime)
    metrics.living((await living()).length)
  }
  return {
    places: createPlaces(deps),
    module: {
      service: StatusListService,
      handlers: statusListRoutes({ issuer, lists, living }),
      policies: statusListPolicies,
    },
    jobs: [{ name: 'status-lists', run }],
  }
}
