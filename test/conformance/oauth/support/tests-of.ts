import { SEPARATOR } from './requirement.ts'

/**
 * Returns a function that names tests of one group for the column `tests` of a table.
 * @param groups the path of the file, and the titles of the groups in it
 */
function testsOf(...groups: readonly [string, ...string[]]): (...titles: readonly string[]) => string[] {
  return (...titles) => titles.map((title) => [...groups, title].join(SEPARATOR))
}

const OWN = 'test/conformance/oauth'
const TOKEN_REQUEST = `${OWN}/token-request.test.ts`
const ISSUED = `${OWN}/issued-token.test.ts`
const ASSERTION = `${OWN}/client-assertion.test.ts`
const INSTANCES = `${OWN}/two-instances.test.ts`
const INTROSPECTION = `${OWN}/introspection.test.ts`
const REVOCATION = `${OWN}/revocation.test.ts`

export const metadata = testsOf(`${OWN}/metadata.test.ts`, 'the metadata of the authorization server')

export const tokenEndpoint = testsOf(TOKEN_REQUEST, 'POST /oauth/token')
export const duplicate = testsOf(TOKEN_REQUEST, 'a duplicate parameter is refused at /oauth/token')
export const otherForm = testsOf(TOKEN_REQUEST, 'a request in another form is refused at /oauth/token')
export const grantType = testsOf(TOKEN_REQUEST, 'POST /oauth/token refuses a grant type')
export const otherClient = testsOf(TOKEN_REQUEST, 'POST /oauth/token refuses a client that authenticates with')

export const accessToken = testsOf(ISSUED, 'an access token of /oauth/token')
export const resource = testsOf(ISSUED, 'the parameter resource at /oauth/token')

export const goodAssertion = testsOf(ASSERTION, 'a client assertion is accepted')
export const badAssertion = testsOf(ASSERTION, 'a client assertion is refused and nothing is written')
export const assertionType = testsOf(ASSERTION, 'the parameter client_assertion_type')
export const assertionOnce = testsOf(ASSERTION, 'a client assertion is accepted once')

export const otherInstance = testsOf(INSTANCES, 'at another instance')
export const endpointAudience = testsOf(INSTANCES, 'an instance with AUTH4AGENT_ASSERTION_AUDIENCE=issuer-or-endpoint')
export const rs256 = testsOf(INSTANCES)('a token is signed with RS256 if the operator of its audience chooses RS256')

export const goodProof = testsOf(`${OWN}/dpop-proof.test.ts`, 'a DPoP proof at /oauth/token')
export const badProof = testsOf(`${OWN}/dpop-proof.test.ts`, 'a DPoP proof is refused at /oauth/token')
export const dpopAudience = testsOf(`${OWN}/dpop-audience.test.ts`, 'a bearer token for a DPoP audience is refused')
export const nonce = testsOf(`${OWN}/dpop-audience.test.ts`, 'an audience that demands a nonce')
export const verify = testsOf(`${OWN}/bound-token.test.ts`, 'POST /v1/verify')
export const nativeToken = testsOf(`${OWN}/bound-token.test.ts`, 'POST /v1/token with a proof')
export const grpcProof = testsOf(`${OWN}/bound-token.test.ts`, 'a proof in the metadata of a gRPC call')

export const introspection = testsOf(INTROSPECTION, 'POST /oauth/introspect')
export const introspectionRefusal = testsOf(INTROSPECTION, 'POST /oauth/introspect refuses')
export const signedIntrospection = testsOf(INTROSPECTION, 'a signed introspection')

export const revocation = testsOf(REVOCATION, 'POST /oauth/revoke')
export const revocationRefusal = testsOf(REVOCATION, 'POST /oauth/revoke refuses')

const EXCHANGE = 'services/authn/exchange'

export const exchangedChain = testsOf(`${EXCHANGE}/exchange-chain.test.ts`, 'a chain of grants is exchanged')
export const exchangeForm = testsOf(
  `${EXCHANGE}/exchange-request.test.ts`,
  'an exchange is refused and changes nothing',
)
export const exchangeRefusal = testsOf(
  `${EXCHANGE}/exchange-refusals.test.ts`,
  'an exchange is refused and changes nothing',
)
export const actorToken = testsOf(`${EXCHANGE}/exchange-parties.test.ts`, 'actor_token')
export const exchangedToken = testsOf(`${EXCHANGE}/may-act.test.ts`, 'an access token is exchanged')

const FOR_USERS = 'services/authn/for-users'

export const codeRefusal = testsOf(`${FOR_USERS}/redeem-code.test.ts`, 'a code is refused, and is not used up,')
export const revokedForUser = testsOf(`${FOR_USERS}/end-own-connection.test.ts`, 'OAuthService.Revoke by a client')
export const refreshToken = testsOf(`${FOR_USERS}/redeem-refresh-token.test.ts`, 'a refresh token')
export const refreshRefusal = testsOf(
  `${FOR_USERS}/redeem-refresh-token.test.ts`,
  'a refresh token is refused, and ends nothing,',
)
export const boundConnection = testsOf(
  `${FOR_USERS}/redeem-refresh-token.test.ts`,
  'a connection that began with a DPoP proof',
)

export const device = testsOf(`${FOR_USERS}/redeem-device-code.test.ts`, 'a device code')
export const deviceRefusal = testsOf('services/people/device/routes.test.ts', 'a device may not ask')
export const devicePage = testsOf('services/people/device/routes.test.ts', 'the page of a device')
export const userCode = testsOf('services/people/device/domain/user-code.test.ts', 'a user code')
export const deviceClient = testsOf('test/e2e/people-clients/devices.test.ts')

const CORE = 'clients/core/src'
const VERIFIER = 'clients/verifier/src'
const CONFIGURATION = 'services/configuration/config.test.ts'

export const signature = testsOf(`${CORE}/token/access-token.test.ts`, 'verifyAccessToken')
export const times = testsOf(`${CORE}/token/access-token.test.ts`, 'checkTimes')
export const requirementsOf = testsOf(`${CORE}/token/check-requirements.test.ts`)
export const claims = testsOf(`${CORE}/token/claims.test.ts`, 'parseAccessTokenClaims')

export const guardRefusal = testsOf(`${VERIFIER}/guard.test.ts`, 'a guard refuses')
export const guardAcceptance = testsOf(`${VERIFIER}/guard.test.ts`, 'a guard accepts')
export const scopedGuard = testsOf(`${VERIFIER}/guard-options.test.ts`, 'a guard with a scope')
export const resourceGuard = testsOf(`${VERIFIER}/guard-options.test.ts`, 'a guard that knows its resource')
export const verifierRefusal = testsOf(`${VERIFIER}/bound-tokens.test.ts`, 'Verifier.verify refuses')
export const verifierAcceptance = testsOf(`${VERIFIER}/bound-tokens.test.ts`, 'Verifier.verify accepts')
export const replayStore = testsOf(`${VERIFIER}/replays.test.ts`, 'a replay store')
export const discovery = testsOf(`${VERIFIER}/key-store.test.ts`, 'discover')
export const resourceMetadata = testsOf(`${VERIFIER}/mcp.test.ts`)
export const writtenChallenge = testsOf(`${VERIFIER}/challenge.test.ts`)
export const resourceDocument = testsOf(`${VERIFIER}/resource-metadata.test.ts`, 'the metadata of a resource')
/** Clients of others call an API on each framework. */
export const otherLibraries = testsOf('test/clients/verifier/oauth-clients.test.ts', 'an API on %s')
export const oauth4webapi = testsOf('test/e2e/oauth-clients/oauth4webapi.test.ts')
export const middleware = testsOf('test/clients/verifier/verifier.test.ts', 'protect of express')
export const mcpServer = testsOf('test/clients/verifier/verifier.test.ts', 'an MCP server')

/** The server answers over TLS, and refuses a configuration in which others could reach it without TLS. */
export const TLS = [
  ...testsOf('services/http-port/tls.test.ts', 'the HTTP port with a certificate')(
    'answers over TLS',
    'does not answer without TLS',
  ),
  ...testsOf(CONFIGURATION, 'findConflicts')(
    'refuses plain http on 0.0.0.0',
    'refuses an http issuer that is not loopback',
  ),
]

/** Every call passes the pipeline, and the pipeline limits the calls of each source. */
export const RATE_LIMITS = testsOf('services/calls/pipeline-limits.test.ts', 'the rate limits of the pipeline')(
  'count all calls of a source, and a refusal contains the time until the next call is allowed',
  'count malformed requests',
)

/** The server refuses an issuer that is not a URL in its only form, or that has a query or a fragment. */
export const ISSUER_FORM = testsOf(CONFIGURATION, 'readConfig')('refuses %s=%j by name, without repeating the value')

const PEOPLE = 'services/people'
const ATTACKS = 'test/e2e/people-attacks/people-attacks.test.ts'

export const authorizeAnswer = testsOf(
  `${PEOPLE}/authorize/authorize.test.ts`,
  'an authorization request of a user that has consented',
)
export const authorizeError = testsOf(
  `${PEOPLE}/authorize/refused-requests.test.ts`,
  'an authorization request that goes back to the client:',
)
export const authorizePage = testsOf(
  `${PEOPLE}/authorize/refused-requests.test.ts`,
  'an authorization request that stays on the page:',
)
export const authorizeAttack = testsOf(ATTACKS, 'attacks on the authorization endpoint')
export const refreshAttack = testsOf(ATTACKS, 'attacks with a refresh token')
export const secondUse = testsOf('services/authn/for-users/redeem-code.test.ts', 'a code that is used a second time')
export const redirectForm = testsOf(`${PEOPLE}/clients/domain/redirect-uri.test.ts`, 'isRedirectUri')
export const agentRefusal = testsOf('services/authn/for-users/act-as-agent.test.ts', 'an agent gets no token')
export const agentRefresh = testsOf('services/authn/for-users/act-as-agent.test.ts', 'an agent acts for a user')
export const redirectMatch = testsOf(`${PEOPLE}/clients/domain/redirect-uri.test.ts`, 'matchRedirectUri')
export const clientDocument = testsOf(`${PEOPLE}/clients/domain/read-document.test.ts`, 'readDocument')
export const fetchedDocument = testsOf(`${PEOPLE}/clients/fetch-document.test.ts`, 'fetchDocument')
export const keptDocument = testsOf(`${PEOPLE}/clients/documents.test.ts`, 'find')
export const providerAnswer = testsOf(`${PEOPLE}/sign-in/sign-in.test.ts`, 'a sign-in at oidc-provider')

const READ_REGISTRATION = `${PEOPLE}/clients/domain/read-registration.test.ts`
export const registrationMetadata = testsOf(READ_REGISTRATION, 'readRegistration')
export const registration = testsOf(`${PEOPLE}/clients/registrations.test.ts`, 'registerClient')
export const registrationRoute = testsOf(
  'services/jwks-gateway/oauth/registration-route.test.ts',
  'POST /oauth/register',
)
export const registeredAttack = testsOf(
  'test/e2e/people-attacks/registered-attacks.test.ts',
  'attacks by registered clients',
)
export const registrationOfMcpClient = testsOf(
  'test/e2e/people/people.test.ts',
  'a client of the MCP SDK that has no document',
)
export const servedMetadata = testsOf('services/jwks-gateway/well-known/well-known.test.ts', 'GET /.well-known/%s')
export const sealedClientId = testsOf(
  `${PEOPLE}/clients/domain/registered-client.test.ts`,
  'a client id of a registered client',
)
