import type { JsonObject } from '@bufbuild/protobuf'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { ClientAssertionEdits } from '../../support/client-assertions.ts'
import type { RefusalCase, Transport } from '../support/refusal.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { chooseAlgorithms } from './audiences.ts'
import { NOT_SCOPES } from './identity.ts'
import { authenticated } from './valid-requests.ts'

/** A token request that differs from a good one. */
interface Wishes {
  readonly agent?: AgentName
  readonly fields?: JsonObject | ((world: World) => JsonObject)
  readonly claims?: NonNullable<ClientAssertionEdits['claims']>
  readonly over?: readonly Transport[]
}

function token(name: string, reason: ReasonCode, { agent = 'active', fields = {}, claims = {}, over }: Wishes) {
  const request = (world: World) => ({
    grant_type: 'client_credentials',
    ...authenticated(world.agents[agent], { claims }),
    ...(typeof fields === 'function' ? fields(world) : fields),
  })
  return { name, reason, method: OAuthService.method.token, request, ...(over && { over }) } satisfies RefusalCase
}

const BAD_RESOURCES: Readonly<Record<string, string[]>> = {
  'a resource with a fragment': ['https://api.acme-operator.com/#x'],
  'a resource with an empty fragment': ['https://api.acme-operator.com/#'],
  'a relative resource': ['/orders'],
  'a bare host': ['api.acme-operator.com'],
  'a host with a port': ['api.acme-operator.com:8443'],
  'a resource without a host': ['https://'],
  'a resource with user information': ['https://me@api.acme-operator.com/'],
  'a resource with a blank': ['https://api.acme-operator.com/ x'],
  'a resource with a backslash': ['https:\\\\api.acme-operator.com'],
  'a host in upper case': ['https://API.acme-operator.com/'],
  'a host with a trailing dot': ['https://api.acme-operator.com./'],
  'a good resource and a bare host': ['https://api.acme-operator.com/', 'api.acme-operator.com'],
  'nine resources': Array.from({ length: 9 }, (_, index) => `https://a${index}.com/`),
}

const requests: readonly RefusalCase[] = [
  ...Object.entries(NOT_SCOPES).map(([name, scope]) =>
    token(name, 'INVALID_SCOPE', { fields: { scope: `read ${scope}` } }),
  ),
  token('a scope with two blanks', 'INVALID_SCOPE', { fields: { scope: 'read  write' } }),
  ...Object.entries(BAD_RESOURCES).map(([name, resource]) => token(name, 'INVALID_AUDIENCE', { fields: { resource } })),
  // A form cannot contain an empty parameter, because that is an absent one.
  token('an empty resource', 'INVALID_AUDIENCE', { fields: { resource: [''] }, over: ['grpc'] }),
]

const COVERED = { scope: 'read', resource: ['https://api.acme-operator.com/'] }

const bindings: readonly RefusalCase[] = [
  token('another scope than the signed one', 'BINDING_MISMATCH', { claims: COVERED, fields: { scope: 'write' } }),
  token('one scope more than the signed one', 'BINDING_MISMATCH', {
    claims: COVERED,
    fields: { scope: 'read write' },
  }),
  token('another resource than the signed one', 'BINDING_MISMATCH', {
    claims: COVERED,
    fields: { resource: ['https://api.acme-operator.com/x'] },
  }),
  token('one resource more than the signed one', 'BINDING_MISMATCH', {
    claims: COVERED,
    fields: { resource: [...COVERED.resource, 'https://b.com/'] },
  }),
  token('one resource in place of two signed ones', 'BINDING_MISMATCH', {
    claims: { resource: [...COVERED.resource, 'https://b.com/'] },
    fields: { resource: COVERED.resource },
  }),
  ...(['careful', 'ofBound'] as const).flatMap((agent) => [
    token(`an assertion of ${agent} that covers nothing`, 'BINDING_REQUIRED', { agent, fields: COVERED }),
    token(`an assertion of ${agent} that covers only the scope`, 'BINDING_REQUIRED', {
      agent,
      claims: { scope: 'read' },
      fields: { resource: COVERED.resource },
    }),
    token(`an assertion of ${agent} that covers only the resource`, 'BINDING_REQUIRED', {
      agent,
      claims: { resource: COVERED.resource },
      fields: { scope: 'read' },
    }),
  ]),
]

const grants: readonly RefusalCase[] = [
  token('a scope beyond the grant', 'SCOPE_NOT_ALLOWED', { fields: { scope: 'admin' } }),
  token('one scope within the grant and one beyond it', 'SCOPE_NOT_ALLOWED', { fields: { scope: 'read admin' } }),
  token('a scope in another case', 'SCOPE_NOT_ALLOWED', { fields: { scope: 'Read' } }),
  token('a signed scope beyond the grant', 'SCOPE_NOT_ALLOWED', { claims: { scope: 'admin' } }),
  token('the name of a prototype’s member as a scope', 'SCOPE_NOT_ALLOWED', { fields: { scope: 'constructor' } }),
  ...['https://bravo-operator.com/', 'https://deep.api.bravo-operator.com/x', 'urn:bravo-operator.com'].map((text) =>
    token(`the resource ${text}`, text.startsWith('urn') ? 'INVALID_AUDIENCE' : 'AUDIENCE_NOT_ALLOWED', {
      fields: { resource: [text] },
    }),
  ),
  token('a signed resource of another operator', 'AUDIENCE_NOT_ALLOWED', {
    claims: { resource: 'https://bravo-operator.com/' },
  }),
  {
    ...token('resources of two algorithms', 'ALGORITHM_CONFLICT', {}),
    request: async (world) => {
      await chooseAlgorithms(world)
      return {
        grant_type: 'client_credentials',
        ...authenticated(world.agents.active),
        resource: ['https://es256.acme-operator.com/', 'https://rs256.acme-operator.com/'],
      }
    },
  },
]

/** A request of a client that acts for a user. Such a client does not authenticate. */
function forUser(name: string, reason: ReasonCode, fields: JsonObject): RefusalCase {
  const client = { client_id: 'https://client.example/oauth/client.json' }
  return { name, reason, method: OAuthService.method.token, request: () => ({ ...client, ...fields }) }
}

const byCode = { grant_type: 'authorization_code', redirect_uri: 'https://client.example/callback' }
const verified = { ...byCode, code_verifier: 'v'.repeat(43) }
const byRefresh = { grant_type: 'refresh_token' }
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const ANOTHER = `a4r_${Buffer.alloc(52, 7).toString('base64url')}`

const forUsers: readonly RefusalCase[] = [
  forUser('a code that is missing', 'CODE_NOT_ACCEPTED', verified),
  forUser('a code that this server has not sealed', 'CODE_NOT_ACCEPTED', { ...verified, code: 'x.y' }),
  forUser('a refresh token as a code', 'CODE_NOT_ACCEPTED', { ...verified, code: ANOTHER }),
  forUser('a code without a redirect URI', 'INVALID_ARGUMENT', { ...verified, redirect_uri: '' }),
  forUser('a code without a verifier', 'INVALID_ARGUMENT', byCode),
  forUser('a code with a short verifier', 'INVALID_ARGUMENT', { ...byCode, code_verifier: 'v'.repeat(42) }),
  forUser('a code for two resources', 'INVALID_AUDIENCE', {
    ...verified,
    resource: ['https://a.com/', 'https://b.com/'],
  }),
  forUser('a refresh token that is missing', 'REFRESH_NOT_ACCEPTED', byRefresh),
  forUser('a refresh token of another server', 'REFRESH_NOT_ACCEPTED', { ...byRefresh, refresh_token: ANOTHER }),
  forUser('a refresh token without a client', 'INVALID_ARGUMENT', { ...byRefresh, client_id: '' }),
  forUser('a refresh token of another server, with an assertion', 'REFRESH_NOT_ACCEPTED', {
    ...byRefresh,
    client_assertion: 'x',
  }),
]

/** Cases about the rules of token requests, except those about client assertions and DPoP. */
const deviceOf = (name: string, reason: ReasonCode, fields: JsonObject): RefusalCase => ({
  name,
  reason,
  method: OAuthService.method.authorizeDevice,
  request: () => ({ client_id: 'https://client.example/oauth/client.json', ...fields }),
})
const ofDevices: readonly RefusalCase[] = [
  deviceOf('a device without a resource', 'INVALID_AUDIENCE', {}),
  deviceOf('a device with two resources', 'INVALID_AUDIENCE', { resource: ['https://a.com', 'https://b.com'] }),
  deviceOf('a resource that lets no users come', 'INVALID_AUDIENCE', { resource: ['https://api.acme-operator.com/'] }),
  deviceOf('a device without a client', 'INVALID_ARGUMENT', { client_id: '', resource: ['https://a.com'] }),
  forUser('a device code that is missing', 'INVALID_ARGUMENT', { grant_type: DEVICE_CODE }),
  forUser('a device code that nobody has', 'CODE_NOT_ACCEPTED', { grant_type: DEVICE_CODE, device_code: 'x' }),
]

export const oauthCases: readonly RefusalCase[] = [...requests, ...bindings, ...grants, ...forUsers, ...ofDevices]
