import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { TokenRequestSchema } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { authorizationServerMetadata } from '../../../jwks-gateway/well-known/authorization-server.ts'
import { CLIENT_CREDENTIALS, EXCHANGE, JWT_BEARER } from '../../domain/oauth-request.ts'
import { clientCredentials } from './client-credentials.ts'
import { firstGrant } from './first-grant.ts'
import { grantForElsewhere } from './grant-for-elsewhere.ts'
import { grantFromElsewhere } from './grant-from-elsewhere.ts'
import { idJag } from './id-jag.ts'
import { GRANT_TYPES, GRANTS, grantOf } from './table.ts'
import { tokenExchange } from './token-exchange.ts'

const requestOf = (members: MessageInitShape<typeof TokenRequestSchema>) => create(TokenRequestSchema, members)

describe('grantOf', () => {
  it.each([
    ['client_credentials', { grantType: CLIENT_CREDENTIALS }, clientCredentials],
    ['client_credentials with req_cnf', { grantType: CLIENT_CREDENTIALS, reqCnf: '{}' }, firstGrant],
    ['an exchange', { grantType: EXCHANGE }, tokenExchange],
    ['an exchange for an unknown type', { grantType: EXCHANGE, requestedTokenType: 'x' }, tokenExchange],
    ['an exchange for a JWT', { grantType: EXCHANGE, requestedTokenType: tokenType('jwt') }, grantForElsewhere],
    ['an exchange for an ID-JAG', { grantType: EXCHANGE, requestedTokenType: tokenType('id-jag') }, grantForElsewhere],
    ['a JWT without a client assertion', { grantType: JWT_BEARER }, grantFromElsewhere],
    ['a JWT with a client assertion', { grantType: JWT_BEARER, clientAssertion: 'a' }, idJag],
  ])('finds one grant for %s', (_, members, grant) => {
    const request = requestOf(members)
    expect(grantOf(request)).toBe(grant)
    expect(GRANTS.filter(({ type, isFor }) => type === request.grantType && isFor(request))).toEqual([grant])
  })

  it.each([
    ['no grant_type', '', 'INVALID_ARGUMENT', 'grant_type must not be missing'],
    ['another grant_type', 'password', 'UNSUPPORTED_GRANT_TYPE', 'grant_type must be one of: '],
    ['a grant_type in other letters', 'Client_Credentials', 'UNSUPPORTED_GRANT_TYPE', CLIENT_CREDENTIALS],
    ['a grant_type after a space', ` ${CLIENT_CREDENTIALS}`, 'UNSUPPORTED_GRANT_TYPE', CLIENT_CREDENTIALS],
  ])('refuses %s', (_, grantType, reason, text) => {
    const error = expect.objectContaining({ reason, message: expect.stringContaining(text) })
    expect(() => grantOf(requestOf({ grantType }))).toThrow(error)
  })
})

it('the metadata of the server names the grant types of the table', () => {
  const metadata = JSON.parse(authorizationServerMetadata({ baseUrl: 'https://auth.example.com' }))
  expect(metadata.grant_types_supported.toSorted()).toEqual(GRANT_TYPES.toSorted())
})

function tokenType(name: string): string {
  return `urn:ietf:params:oauth:token-type:${name}`
}
