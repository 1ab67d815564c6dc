import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { CONNECTION_OF_OTHERS, CONSENTS } from '../support/seed-consents.ts'
import { validRequests } from './valid-requests.ts'

const {
  putIdentityProvider,
  removeIdentityProvider,
  disableUser,
  enableUser,
  removeUser,
  putClient,
  blockClient,
  listClients,
  listConsents,
  withdrawConsent,
  endConnection,
} = PeopleService.method

/** Returns a case about a good request with edits. */
function edited(method: DescMethod, name: string, reason: ReasonCode, edits: JsonObject): RefusalCase {
  const request: RefusalCase['request'] = (world) => ({ ...validRequests[shortName(method)]?.(world), ...edits })
  return { name, method, reason, caller: 'acme', request }
}

const NEW_CLIENT = 'did:agent:new.example:0123456789abcdef0123456789abcdef'
/** Names of nothing. */
const NOWHERE = ['nothing', '__proto__', '00000000-0000-4000-8000-000000000000']
const fresh = { name: 'staff', issuer: 'https://login.staff.example' }

/** Cases about the rules of PeopleService. */
export const peopleCases: readonly RefusalCase[] = [
  ...['nothing', 'Work', '__proto__'].map((name) =>
    edited(removeIdentityProvider, `the unknown provider ${name}`, 'PROVIDER_NOT_FOUND', { name }),
  ),
  ...[disableUser, enableUser, removeUser].flatMap((method) =>
    ['user:nobody', 'user:', 'did:agent:acme-operator.com:x', '__proto__'].map((subject) =>
      edited(method, `the unknown user ${subject}`, 'USER_NOT_FOUND', { subject }),
    ),
  ),
  edited(putIdentityProvider, 'a new provider without a secret', 'INVALID_ARGUMENT', { ...fresh, client_secret: '' }),
  edited(putIdentityProvider, 'all users together with required claims', 'INVALID_ARGUMENT', { all_users: true }),
  edited(putIdentityProvider, 'neither all users nor required claims', 'INVALID_ARGUMENT', { required_claims: [] }),
  edited(putIdentityProvider, 'another issuer for a provider', 'INVALID_ISSUER', { issuer: fresh.issuer }),
  edited(putIdentityProvider, 'the issuer of another provider', 'ISSUER_EXISTS', { name: 'staff' }),
  {
    // RFC 6761 section 6.4: nobody has a name under `invalid`.
    ...edited(putIdentityProvider, 'an issuer that does not answer', 'PROVIDER_UNAVAILABLE', {
      ...fresh,
      issuer: 'https://login.acme-operator.invalid',
    }),
    // The call was not refused: it can be repeated.
    audited: false,
  },
  edited(putClient, 'a URL at an address', 'CLIENT_NOT_ACCEPTED', { client_id: 'https://10.0.0.1/client.json' }),
  edited(listClients, 'a page after a text that is no client id', 'INVALID_PAGE_TOKEN', { page_token: 'YQ' }),
  edited(listConsents, 'a page after a text that is no time', 'INVALID_PAGE_TOKEN', { page_token: 'YQ' }),
  ...[...NOWHERE, CONSENTS.ofOthers].map((consent_id) =>
    edited(withdrawConsent, `the consent ${consent_id}`, 'CONSENT_NOT_FOUND', { consent_id }),
  ),
  ...[...NOWHERE, CONSENTS.withdrawn, CONNECTION_OF_OTHERS].map((connection_id) =>
    edited(endConnection, `the connection ${connection_id}`, 'CONNECTION_NOT_FOUND', { connection_id }),
  ),
]

/** Cases about an operator that has as many providers as it may have. */
export const fullPeopleCases: readonly RefusalCase[] = [
  edited(putIdentityProvider, 'a further provider when there are 4', 'TOO_MANY_PROVIDERS', fresh),
]

/** Cases about an operator that has as many clients as it may have. */
export const fullClientCases: readonly RefusalCase[] = [
  edited(putClient, 'a further client when there are 10,000', 'TOO_MANY_CLIENTS', { client_id: NEW_CLIENT }),
  edited(blockClient, 'a client that is not listed when there are 10,000', 'TOO_MANY_CLIENTS', {
    client_id: NEW_CLIENT,
  }),
]
