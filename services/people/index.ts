import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { SignInService } from '../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { removeExpired } from '../platform/db/prune.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { createClientDocuments } from './clients/documents.ts'
import type { PeopleOptions } from './config.ts'
import { peoplePolicies } from './policy.ts'
import { createProviderClients } from './providers/provider-clients.ts'
import { peopleRoutes } from './routes.ts'
import { createCookies } from './sessions/cookies.ts'
import { signInPolicies } from './sign-in/policy.ts'
import { signInRoutes } from './sign-in/routes.ts'
import { sweepUsers } from './store/sweep-users.ts'

/** The people part of the server. */
export interface People {
  readonly module: ServiceModule<typeof PeopleService>
  readonly signIn: ServiceModule<typeof SignInService>
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/** Creates the people part of the server: identity providers, sign-in, users and clients. */
export function createPeople(options: PeopleOptions): People {
  const { db, now, issuer, clientOutbound } = options
  const documents = createClientDocuments({ ...options, outbound: clientOutbound })
  const signInDeps = { ...options, cookies: createCookies(issuer), providerClients: createProviderClients(options) }
  return {
    module: { service: PeopleService, handlers: peopleRoutes(options, documents), policies: peoplePolicies },
    signIn: { service: SignInService, handlers: signInRoutes(signInDeps), policies: signInPolicies },
    jobs: [
      { name: 'web-sessions', run: () => removeExpired(db.pool, 'web_sessions', now()) },
      { name: 'users', run: () => sweepUsers(options) },
    ],
    async close() {
      await Promise.all([options.outbound.close(), clientOutbound.close()])
    },
  }
}
