import type { ClientRegistrationService } from '../../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { Policies } from '../../calls/policy.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { REGISTERED_FOR, readRegistration } from './domain/read-registration.ts'
import { sealClientId } from './domain/registered-client.ts'
import { REGISTRATION_IS_OFF, type RegistrationDeps } from './registrations.ts'

/** Who may call ClientRegistrationService: a route of this server, for anybody. */
export const registrationPolicies: Policies<typeof ClientRegistrationService> = {
  registerClient: { callers: ['browser'], limit: 'authorize', fromMemory: true },
}

/** Creates the handlers of ClientRegistrationService, which store nothing (RFC 7591 appendix A.5.2). */
export function registrationRoutes({
  openRegistration,
  registrationKey,
}: RegistrationDeps): Handlers<typeof ClientRegistrationService> {
  return {
    async registerClient({ metadata }) {
      if (!openRegistration) throw new ApiError('ROUTE_NOT_FOUND', REGISTRATION_IS_OFF)
      const registration = readRegistration(metadata)
      const { name: clientName, redirectUris } = registration
      const { tokenEndpointAuthMethod, grantTypes, responseTypes } = REGISTERED_FOR
      const fixed = { tokenEndpointAuthMethod, grantTypes: [...grantTypes], responseTypes: [...responseTypes] }
      const clientId = sealClientId(registrationKey, registration)
      return { clientId, clientName, redirectUris: [...redirectUris], ...fixed }
    },
  }
}
