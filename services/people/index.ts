import { ClientRegistrationService } from '../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { ProviderSignalService } from '../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { SignInService } from '../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { removeExpired } from '../platform/db/prune.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { type ClientKeyFinder, createClientKeys } from './clients/client-keys.ts'
import { createClientDocuments } from './clients/documents.ts'
import { registrationPolicies, registrationRoutes } from './clients/registration-routes.ts'
import { withRegistered } from './clients/registrations.ts'
import type { PeopleOptions } from './config.ts'
import { pruneConnections } from './connections/prune-connections.ts'
import { createRefreshKeys } from './connections/refresh-key.ts'
import { createDevices, type Devices } from './device/devices.ts'
import { peoplePolicies } from './policy.ts'
import { createProviderClients } from './providers/provider-clients.ts'
import { createProviderTokens } from './providers/provider-tokens.ts'
import { peopleRoutes } from './routes.ts'
import { createCookies } from './sessions/cookies.ts'
import { signInPolicies } from './sign-in/policy.ts'
import { signInRoutes } from './sign-in/routes.ts'
import { type CheckUser, createCheckUser } from './signals/check-user.ts'
import { providerSignalPolicies } from './signals/policy.ts'
import { providerSignalRoutes } from './signals/routes.ts'
import { sweepUsers } from './store/sweep-users.ts'
import { createUserGrants, type UserGrants } from './user-grants.ts'

export { type Access, decideAccess } from './access/domain/decide-access.ts'
export { decideClient } from './access/domain/decide-client.ts'
export type { Standing } from './access/domain/standing.ts'
export { JOIN_STANDING, readStanding, STANDING_MARK, type StandingOf, valuesOf } from './access/standing.ts'
export type { ClientKeyFinder } from './clients/client-keys.ts'
export { agentDocument } from './clients/domain/agent-document.ts'
export { endConnectionOfClient } from './connections/end-connection.ts'
export {
  findConnectionIn,
  type KnownClient,
  type KnownConsent,
  readConnection,
  readConsent,
} from './connections/read-connection.ts'
export type { Devices } from './device/devices.ts'
export { DEVICE_CODE } from './device/domain/grant-type.ts'
export type { CheckUser } from './signals/check-user.ts'
export type { PolledDevice } from './store/device-requests.ts'
export type { UserGrants } from './user-grants.ts'

/** The people part of the server. */
export interface People {
  readonly module: ServiceModule<typeof PeopleService>
  readonly signIn: ServiceModule<typeof SignInService>
  readonly providerSignals: ServiceModule<typeof ProviderSignalService>
  readonly clientRegistration: ServiceModule<typeof ClientRegistrationService>
  readonly userGrants: UserGrants
  readonly checkUser: CheckUser
  readonly clientKeys: ClientKeyFinder
  readonly devices: Devices
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/** How long the row of an expired device code stays, in milliseconds, so that its client learns why it is refused. */
const DEVICE_REQUESTS_KEPT_MS = 600_000

/** Creates the people part of the server, which signs people in, and lets clients act for them. */
export function createPeople(options: PeopleOptions): People {
  const { db, now, issuer, outbound, clientOutbound } = options
  const clientDeps = { ...options, outbound: clientOutbound }
  const documents = withRegistered(createClientDocuments(clientDeps), options)
  const providerClients = createProviderClients(options)
  const tokens = createProviderTokens(createRefreshKeys({ prisma: db.prisma, vault: options.vault }))
  const signInDeps = { ...options, documents, cookies: createCookies(issuer), providerClients, tokens }
  return {
    module: { service: PeopleService, handlers: peopleRoutes(options, documents), policies: peoplePolicies },
    signIn: { service: SignInService, handlers: signInRoutes(signInDeps), policies: signInPolicies },
    providerSignals: {
      service: ProviderSignalService,
      handlers: providerSignalRoutes(options),
      policies: providerSignalPolicies,
    },
    clientRegistration: {
      service: ClientRegistrationService,
      handlers: registrationRoutes(options),
      policies: registrationPolicies,
    },
    userGrants: createUserGrants(options),
    checkUser: createCheckUser({ ...options, providerClients, tokens }),
    clientKeys: createClientKeys(clientDeps, documents),
    devices: createDevices({ ...options, documents }),
    jobs: [
      { name: 'web-sessions', run: () => removeExpired(db.pool, 'web_sessions', now()) },
      {
        name: 'device-requests',
        run: () => removeExpired(db.pool, 'device_requests', now() - DEVICE_REQUESTS_KEPT_MS),
      },
      { name: 'users', run: () => sweepUsers(options) },
      { name: 'connections', run: () => pruneConnections(db.pool, now()) },
    ],
    async close() {
      await Promise.all([outbound.close(), clientOutbound.close()])
    },
  }
}
