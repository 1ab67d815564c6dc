import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { PeopleOptions } from './config.ts'
import { peoplePolicies } from './policy.ts'
import { peopleRoutes } from './routes.ts'
import { deleteRemoved, removeOrphans } from './store/sweep-users.ts'

/** The people part of the server. */
export interface People {
  readonly module: ServiceModule<typeof PeopleService>
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/** Creates the people part of the server, which keeps the identity providers and the users of operators. */
export function createPeople(options: PeopleOptions): People {
  const { db, passedTime } = options
  return {
    module: { service: PeopleService, handlers: peopleRoutes(options), policies: peoplePolicies },
    jobs: [
      {
        name: 'users',
        async run() {
          const author = systemAuthor('people')
          while (await removeOrphans(db.prisma, author));
          await deleteRemoved(db.pool, passedTime)
        },
      },
    ],
    close: () => options.outbound.close(),
  }
}
