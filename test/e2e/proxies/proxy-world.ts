import { createHash, randomUUID } from 'node:crypto'
import { openDb } from '../../../services/platform/db/db.ts'
import { silentLog } from '../../support/database.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, clientAssertion, type Keys, newKeys, signJws } from '../../support/parties.ts'
import type { Wishes } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { startTcpProxy, targetOf } from '../../support/tcp-proxy.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/** The audience, the operator's domain and the scope in every example. */
export const API = 'https://api.example.com'
const DOMAIN = 'example.com'
/** The domain of another operator, whose agents may get tokens for the API. */
const STRANGERS = 'stranger.example.org'
const SCOPE = 'orders:read'

/** Changes of the claims or the header of a token that is otherwise valid. */
export interface TokenEdits {
  readonly header?: object
  readonly claims?: object
}

/** A token that is bound to a key, and the proofs of this key (RFC 9449). */
interface BoundToken {
  readonly token: string
  readonly proof: (method: string, url: string) => string
}

/** A deployment, an API behind a proxy, and an operator with an agent that calls the API. */
export interface ProxyWorld {
  /** The issuer, which is also the real address of the server. */
  readonly issuer: string
  readonly deployment: Deployment
  readonly operator: OperatorParty
  readonly agent: AgentParty
  readonly upstream: Upstream
  /** Gets a token for the API. */
  readonly token: (wishes?: Pick<Wishes, 'audience' | 'scope'>, agent?: AgentParty) => Promise<string>
  readonly boundToken: () => Promise<BoundToken>
  /** Signs a token with a published key of the server, changed by `edits`. */
  readonly forge: (edits?: TokenEdits) => string
  /** The kid of that key. */
  readonly kid: string
  /** Lets the server accept connections, but answer nothing. */
  readonly stall: () => void
  /** Makes the server unreachable. */
  readonly leave: () => Promise<void>
  stop(): Promise<void>
}

/** Starts everything except the proxy. */
export async function startProxyWorld(): Promise<ProxyWorld> {
  await using started = new AsyncDisposableStack()
  const line = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  started.defer(() => line.close())
  const issuer = `http://localhost:${line.port}`
  const env = { AUTH4AGENT_BASE_URL: issuer, AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1' }
  const deployment = await startDeployment({ env })
  started.defer(() => deployment.stop())
  line.repoint(targetOf(deployment.server.baseUrl))
  const { client, dns } = deployment
  const operator = await provenOperator(client, dns, DOMAIN, issuer)
  await chooseEs256(deployment, operator)
  const key = await publishKey(deployment)
  const agent = await activeAgent(client, operator, [SCOPE, 'orders:write'])
  const upstream = await startUpstream()
  started.defer(() => upstream.stop())
  const all = started.move()
  return {
    issuer,
    deployment,
    operator,
    agent,
    upstream,
    token: async (wishes = {}, party = agent) =>
      String((await issueToken(client, party, { scope: SCOPE, audience: API, ...wishes })).token),
    boundToken: () => boundToken(issuer, agent),
    forge: ({ header, claims } = {}) => {
      const [good, { alg, kid }] = [goodClaims(issuer, operator, agent), key]
      return key.sign({ alg, typ: 'at+jwt', kid, ...header }, { ...good, ...claims })
    },
    kid: key.kid,
    stall: () => line.stall(),
    leave: () => line.cut(),
    stop: () => all.disposeAsync(),
  }
}

/** Registers another operator, and returns an agent of it. */
export async function strangerAt({ deployment, issuer }: ProxyWorld): Promise<AgentParty> {
  const { client, dns } = deployment
  return activeAgent(client, await provenOperator(client, dns, STRANGERS, issuer), [SCOPE])
}

/** Chooses ES256 for the API's tokens, because HAProxy knows no EdDSA. Lets strangers get tokens for the API. */
async function chooseEs256({ client }: Deployment, operator: OperatorParty): Promise<void> {
  const audiences = [{ audience: API, callers: [STRANGERS], token_signing_alg: 'ES256' }]
  expectStatus(200, await client.signed('PUT', `/v1/operators/${operator.id}/policy`, { audiences }, operator))
}

/** Publishes a key whose private half the test has. Servers read it when they meet its kid. */
async function publishKey({ databaseUrl }: Deployment): Promise<TestTokenKey> {
  const key = testTokenKey('ES256')
  const { kid, alg, jwk: publicJwk } = key
  const db = openDb({ url: databaseUrl, poolSize: 1, log: silentLog })
  const state = { state: 'retiring', activatedAt: new Date(), retiringAt: new Date() } as const
  const externalRef = { kept: 'in the test' }
  await db.prisma.jwksKey.create({ data: { kid, purpose: 'access_token', alg, publicJwk, externalRef, ...state } })
  await db.close()
  return key
}

function goodClaims(iss: string, operator: OperatorParty, { did }: AgentParty) {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iat,
    nbf: iat,
    exp: iat + 900,
    iss,
    sub: did,
    aud: [API],
    scope: SCOPE,
    operator_id: operator.id,
    jti: randomUUID(),
    client_id: did,
    epoch: [1, 1],
  }
}

async function boundToken(issuer: string, agent: AgentParty): Promise<BoundToken> {
  const keys = newKeys()
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: SCOPE,
    resource: API,
    ...clientAssertion(agent, issuer),
  })
  const url = `${issuer}/oauth/token`
  const headers = { dpop: proofOf(keys, { htm: 'POST', htu: url }) }
  const answer: unknown = await (await fetch(url, { method: 'POST', body, headers })).json()
  const { access_token: token, token_type: type } = Object(answer)
  if (type !== 'DPoP') throw new Error(`There is no bound token: ${JSON.stringify(answer)}`)
  const ath = createHash('sha256').update(token).digest('base64url')
  return { token, proof: (htm, htu) => proofOf(keys, { htm, htu, ath }) }
}

function proofOf({ publicKey, privateKey }: Keys, claims: object): string {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') }
  const times = { iat: Math.floor(Date.now() / 1000), jti: randomUUID() }
  return signJws({ typ: 'dpop+jwt', jwk }, { ...times, ...claims }, privateKey)
}
