import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { formatDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { ASSERTION_TYPE, type ClientAssertionEdits, clientAssertion } from '../../support/client-assertions.ts'
import { shortName } from '../support/contract.ts'
import { sendHttp } from '../support/http.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { restRequest } from '../support/rest-request.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOT_DIDS } from './identity.ts'
import { authenticated, validRequests } from './valid-requests.ts'

/** No agent is the client of a device. */
const endpoints = Object.values(OAuthService.method).filter(({ name }) => name !== 'AuthorizeDevice')
const now = () => Math.floor(Date.now() / 1000)
const UNKNOWN_DID = formatDid('acme-operator.com', '0'.repeat(32))
const NOWHERE_DID = formatDid('nobody-operator.com', '0'.repeat(32))

type Edit = (world: World) => ClientAssertionEdits

const header =
  (edits: Readonly<Record<string, unknown>>): Edit =>
  () => ({ header: edits })
const claims =
  (edits: Readonly<Record<string, unknown>>): Edit =>
  () => ({ claims: edits })

/** Client assertions with one mistake in the header. */
const BAD_HEADERS: Readonly<Record<string, Edit>> = {
  'alg none': header({ alg: 'none' }),
  'alg HS256': header({ alg: 'HS256' }),
  'alg ES256': header({ alg: 'ES256' }),
  'alg in lower case': header({ alg: 'eddsa' }),
  'no alg': header({ alg: undefined }),
  'the typ of an access token': header({ typ: 'at+jwt' }),
  'the typ of a DPoP proof': header({ typ: 'dpop+jwt' }),
  'the typ of an operator': header({ typ: 'auth4agent-operator+jwt' }),
  'the typ of the administrator': header({ typ: 'auth4agent-admin+jwt' }),
  'a typ in lower case': header({ typ: 'jwt' }),
  'a typ with its tree': header({ typ: 'application/client-authentication+jwt' }),
  'an empty typ': header({ typ: '' }),
  'a number as typ': header({ typ: 1 }),
  'the kid of another key': () => ({ header: { kid: thumbprint(generateKeyPair().publicKey) } }),
  'the DID as kid': ({ agents }) => ({ header: { kid: agents.active.did } }),
  'an empty kid': header({ kid: '' }),
  'a kid of 129 characters': header({ kid: 'a'.repeat(129) }),
  'a number as kid': header({ kid: 1 }),
  'a critical extension': header({ crit: ['exp'] }),
  'a payload that is not base64url': header({ b64: false }),
  'its own key in the header': ({ agents }) => ({
    header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(agents.active.pair.publicKey) } },
  }),
  'the address of a key': header({ jku: 'https://rogue.com/jwks.json' }),
  'a certificate': header({ x5c: ['AA=='] }),
  'alg twice in the header': () => ({ rewrite: { header: (json) => json.replace('{', '{"alg":"none",') } }),
  'a header that is a list': () => ({ rewrite: { header: (json) => `[${json}]` } }),
}

/** Client assertions with one mistake in the claims. */
const BAD_CLAIMS: Readonly<Record<string, Edit>> = {
  'another subject': ({ agents }) => ({ claims: { sub: agents.ofBravo.did } }),
  'another issuer': ({ agents }) => ({ claims: { iss: agents.ofBravo.did } }),
  'no issuer': claims({ iss: undefined }),
  'no subject': claims({ sub: undefined }),
  'neither issuer nor subject': claims({ iss: undefined, sub: undefined }),
  'numbers as issuer and subject': claims({ iss: 1, sub: 1 }),
  'another audience': claims({ aud: 'https://rogue.com' }),
  'an audience with an extra slash': ({ issuer }) => ({ claims: { aud: `${issuer}/` } }),
  'an audience in upper case': ({ issuer }) => ({ claims: { aud: issuer.toUpperCase() } }),
  'the token endpoint as audience': ({ issuer }) => ({ claims: { aud: `${issuer}/oauth/token` } }),
  'a list of two audiences': ({ issuer }) => ({ claims: { aud: [issuer, 'https://rogue.com'] } }),
  'the issuer twice as audience': ({ issuer }) => ({ claims: { aud: [issuer, issuer] } }),
  'an empty list of audiences': claims({ aud: [] }),
  'a nested list of audiences': ({ issuer }) => ({ claims: { aud: [[issuer]] } }),
  'no audience': claims({ aud: undefined }),
  'exp in more than five minutes': () => ({ claims: { exp: now() + 330 } }),
  'no exp': claims({ exp: undefined }),
  'exp as text': () => ({ claims: { exp: String(now() + 60) } }),
  'exp of null': claims({ exp: null }),
  'a negative exp': claims({ exp: -1 }),
  'an exp after all times': claims({ exp: 1e300 }),
  'iat in the future': () => ({ claims: { iat: now() + 60, exp: now() + 120 } }),
  'iat as text': () => ({ claims: { iat: String(now()) } }),
  'nbf in the future': () => ({ claims: { nbf: now() + 60 } }),
  'nbf of null': claims({ nbf: null }),
  'no jti': claims({ jti: undefined }),
  'an empty jti': claims({ jti: '' }),
  'a jti of 129 characters': claims({ jti: 'a'.repeat(129) }),
  'a number as jti': claims({ jti: 1 }),
  'a scope with two blanks': claims({ scope: 'read  write' }),
  'a list of scopes': claims({ scope: ['read'] }),
  'a scope of null': claims({ scope: null }),
  'a resource without a scheme': claims({ resource: '/orders' }),
  'a resource with a fragment': claims({ resource: 'https://api.acme-operator.com/#x' }),
  'an empty list of resources': claims({ resource: [] }),
  'a list with a number as resource': claims({ resource: ['https://api.acme-operator.com/', 1] }),
  'nine resources': claims({ resource: Array.from({ length: 9 }, (_, index) => `https://a${index}.com/`) }),
  'a resource of null': claims({ resource: null }),
  'exp twice': () => ({ rewrite: { claims: (json) => json.replace('{', '{"exp":1,') } }),
  'the scope twice, once with an escape in its name': () => ({
    rewrite: { claims: (json) => json.replace('{', String.raw`{"scope":"read","scop\u0065":"write",`) },
  }),
  'a member named __proto__': () => ({ rewrite: { claims: (json) => json.replace('{', '{"__proto__":{"x":1},') } }),
  'claims that are a list': () => ({ rewrite: { claims: (json) => `[${json}]` } }),
  'claims that are no JSON': () => ({ rewrite: { claims: () => 'claims' } }),
}

/** Texts that are no client assertion. */
const BAD_FORMS: Readonly<Record<string, (good: string) => string>> = {
  'a text that is not a JWT': () => 'assertion',
  'an assertion after a scheme': (good) => `Bearer ${good}`,
  'an assertion of two parts': (good) => good.replace(/\.[^.]*$/, ''),
  'an assertion of four parts': (good) => `${good}.e30`,
  'an encrypted assertion': (good) => `${good}.e30.e30`,
  'an assertion without its signature': (good) => good.replace(/[^.]*$/, ''),
  'a signature with padding': (good) => `${good}==`,
  'a line end after the assertion': (good) => `${good}\n`,
  'two assertions': (good) => `${good} ${good}`,
  'an assertion of 5 KB': (good) => `${good}${'A'.repeat(5000)}`,
}

/** Returns a case about an authentication at one endpoint. */
function refused(
  method: DescMethod,
  reason: ReasonCode,
  name: string,
  authentication: (world: World) => JsonObject | Promise<JsonObject>,
): RefusalCase {
  const request = async (world: World) => ({
    ...validRequests[shortName(method)]?.(world),
    ...(await authentication(world)),
  })
  return { name, method, reason, request }
}

const invalid = (method: DescMethod): RefusalCase[] => [
  ...Object.entries({ ...BAD_HEADERS, ...BAD_CLAIMS }).map(([name, edits]) =>
    refused(method, 'INVALID_ASSERTION', name, (world) => authenticated(world.agents.active, edits(world))),
  ),
  ...Object.entries(BAD_FORMS).map(([name, spoil]) =>
    refused(method, 'INVALID_ASSERTION', name, ({ agents }) => ({
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: spoil(clientAssertion(agents.active)),
    })),
  ),
  refused(method, 'INVALID_ASSERTION', 'an access token', ({ token }) => ({ client_assertion: token() })),
  refused(method, 'INVALID_ASSERTION', 'the client_id of another agent', ({ agents }) => ({
    client_id: agents.ofBravo.did,
  })),
  refused(method, 'UNSUPPORTED_AUTHORIZATION_DETAILS', 'authorization details in the assertion', ({ agents }) =>
    authenticated(agents.active, { claims: { authorization_details: [] } }),
  ),
]

const named =
  (did: string) =>
  ({ agents: { active } }: World) =>
    authenticated({ ...active, did })

const strangers = (method: DescMethod): RefusalCase[] => [
  ...Object.entries(NOT_DIDS).map(([name, did]) => refused(method, 'INVALID_DID', name, named(did))),
  refused(method, 'AGENT_NOT_FOUND', 'an unknown agent', named(UNKNOWN_DID)),
  refused(method, 'AGENT_NOT_FOUND', 'an agent under an unknown domain', named(NOWHERE_DID)),
  refused(method, 'INVALID_SIGNATURE', 'the signature of another key', ({ agents }) =>
    authenticated({ did: agents.active.did, pair: agents.ofBravo.pair }),
  ),
  refused(method, 'INVALID_SIGNATURE', 'the signature of another assertion', ({ agents }) => ({
    client_assertion: clientAssertion(agents.active).replace(
      /[^.]*$/,
      clientAssertion(agents.active).replace(/.*\./, ''),
    ),
  })),
  refused(method, 'INVALID_SIGNATURE', 'a signature of zeros', ({ agents }) => ({
    client_assertion: clientAssertion(agents.active).replace(/[^.]*$/, 'A'.repeat(86)),
  })),
  refused(method, 'INVALID_SIGNATURE', 'a signature of 63 bytes', ({ agents }) => ({
    client_assertion: clientAssertion(agents.active).replace(/[^.]*$/, 'A'.repeat(84)),
  })),
]

const standings = (method: DescMethod): RefusalCase[] => [
  ...(['pending', 'suspended', 'revoked'] as const).map((agent: AgentName) =>
    refused(method, 'AGENT_NOT_ACTIVE', `an agent that is ${agent}`, ({ agents }) => authenticated(agents[agent])),
  ),
  refused(method, 'AGENT_OPERATOR_NOT_ACTIVE', 'an agent whose operator is suspended', ({ agents }) =>
    authenticated(agents.ofSuspended),
  ),
]

const times = (method: DescMethod): RefusalCase[] => [
  refused(method, 'ASSERTION_EXPIRED', 'an assertion that expired a minute ago', ({ agents }) =>
    authenticated(agents.active, { claims: { iat: now() - 120, exp: now() - 60 } }),
  ),
  refused(method, 'ASSERTION_EXPIRED', 'an assertion that expired in 1970', ({ agents }) =>
    authenticated(agents.active, { claims: { iat: undefined, exp: 1 } }),
  ),
  // The assertion is used at each endpoint before, because the three share the memory of used assertions.
  ...endpoints.map((first) =>
    refused(method, 'ASSERTION_USED', `an assertion that ${shortName(first)} has accepted`, async (world) => {
      const authentication = authenticated(world.agents.active)
      await useUp(world, first, authentication)
      return authentication
    }),
  ),
  refused(method, 'ASSERTION_USED', 'another assertion with the same jti', async (world) => {
    const jti = crypto.randomUUID()
    await useUp(world, OAuthService.method.token, authenticated(world.agents.active, { claims: { jti } }))
    return authenticated(world.agents.active, { header: { typ: 'JWT' }, claims: { jti, exp: now() + 90 } })
  }),
]

/** Makes a good call. */
async function useUp(world: World, method: DescMethod, authentication: JsonObject): Promise<void> {
  const request = { ...validRequests[shortName(method)]?.(world), ...authentication }
  const { status, text } = await sendHttp(world.server.baseUrl, restRequest(method, request))
  if (status !== 200) throw new Error(`The first use was refused with ${status}: ${text}`)
}

function casesOf(method: DescMethod): RefusalCase[] {
  return [...invalid(method), ...strangers(method), ...standings(method), ...times(method)]
}

/** Cases about the client assertion, for every OAuth endpoint. */
export const clientAssertionCases: readonly RefusalCase[] = endpoints.flatMap(casesOf)
