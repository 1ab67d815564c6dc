import type { ProviderSignalService } from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import type { Policies } from '../../calls/policy.ts'

/** A route of this server makes the call, as for browsers. The token that a provider sends authenticates it. */
const byProvider = { callers: ['browser'], limit: 'signal', limitBy: 'providerId' } as const

/** Who may call each method of ProviderSignalService. */
export const providerSignalPolicies: Policies<typeof ProviderSignalService> = {
  receiveSecurityEvent: { ...byProvider, action: 'user.signal', endsTokens: true },
}
