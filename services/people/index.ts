import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { createClientDocuments } from './clients/documents.ts'
import { createFindClient, type FindClient } from './clients/find-client.ts'
import type { PeopleOptions } from './config.ts'
import { peoplePolicies } from './policy.ts'
import { peopleRoutes } from './routes.ts'

/** The people part of the server. */
export interface People {
  readonly module: ServiceModule<typeof PeopleService>
  /** Finds the clients that may act for users. */
  readonly findClient: FindClient
  close(): Promise<void>
}

/** Creates the people part of the server, which keeps the identity providers and the clients of operators. */
export function createPeople(options: PeopleOptions): People {
  const { clientOutbound, db } = options
  const documents = createClientDocuments({ ...options, outbound: clientOutbound })
  return {
    module: { service: PeopleService, handlers: peopleRoutes(options, documents), policies: peoplePolicies },
    findClient: createFindClient(db.prisma, documents),
    async close() {
      await Promise.all([options.outbound.close(), clientOutbound.close()])
    },
  }
}
