import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { PeopleOptions } from './config.ts'
import { peoplePolicies } from './policy.ts'
import { peopleRoutes } from './routes.ts'

/** The people part of the server. */
export interface People {
  readonly module: ServiceModule<typeof PeopleService>
  close(): Promise<void>
}

/** Creates the people part of the server, which keeps the identity providers of operators. */
export function createPeople(options: PeopleOptions): People {
  return {
    module: { service: PeopleService, handlers: peopleRoutes(options), policies: peoplePolicies },
    async close() {
      await Promise.all([options.outbound.close(), options.clientOutbound.close()])
    },
  }
}
