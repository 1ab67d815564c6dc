import type { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Policies } from '../calls/policy.ts'

const byOperator = { callers: ['operator'], own: 'id' } as const
const change = { ...byOperator, role: 'people', endsTokens: true } as const

/**
 * Who may call each method of PeopleService. Removing a provider, ending a user, blocking a client, withdrawing a
 * consent and ending a connection only take authority away.
 */
export const peoplePolicies: Policies<typeof PeopleService> = {
  // A provider that is replaced by a different one ends the tokens of its users.
  putIdentityProvider: { ...change, limit: 'manage', action: 'provider.put', secretField: 'clientSecret' },
  listIdentityProviders: { ...byOperator, role: 'any', limit: 'read' },
  removeIdentityProvider: { ...change, limit: 'urgent', action: 'provider.remove', urgent: true },
  listUsers: { ...byOperator, role: 'any', limit: 'read' },
  disableUser: { ...change, limit: 'urgent', action: 'user.disable', urgent: true },
  enableUser: { ...change, limit: 'manage', action: 'user.enable', endsTokens: false },
  removeUser: { ...change, limit: 'urgent', action: 'user.remove', urgent: true },
  listClients: { ...byOperator, role: 'any', limit: 'read' },
  putClient: { ...change, limit: 'manage', action: 'client.put', endsTokens: false },
  blockClient: { ...change, limit: 'urgent', action: 'client.block', urgent: true },
  listConsents: { ...byOperator, role: 'any', limit: 'read' },
  withdrawConsent: { ...change, limit: 'urgent', action: 'consent.withdraw', urgent: true },
  endConnection: { ...change, limit: 'urgent', action: 'connection.end', urgent: true },
}
