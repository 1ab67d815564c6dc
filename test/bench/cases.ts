import { AuthnService, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { Authorization, CheckResponseSchema } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { type Auth4Agent, BENCH_ISSUER } from './contenders/auth4agent.ts'
import type { Peer } from './contenders/peer.ts'
import { type CountRows, issues, redemptions, usedAssertions } from './count-rows.ts'
import type { LoadRequest } from './load/load-request.ts'
import { getWithToken } from './load/split-proof.ts'
import { challengeIdOf, issueTokens, tokenBodies } from './supply.ts'
import { CHAIN_HOPS, chainVerifications, exchanges } from './supply-chains.ts'
import { framedCheck, framedVerification, unframed } from './supply-grpc.ts'
import {
  assertionIdOf,
  introspectionBodies,
  introspectionBodiesBySecret,
  type OAuthServer,
  oauthTokenBodies,
  RESOURCE,
} from './supply-oauth.ts'
import { codeBodies, connectionsAt, refreshBodies, userVerifications } from './supply-users.ts'
import type { World } from './world.ts'

/** One kind of request to one contender. */
export interface Case extends Pick<LoadRequest, 'protocol' | 'contentType' | 'once'> {
  readonly title: string
  /** Returns the process and the URL of the requests; undefined if the world has no such contender. */
  readonly target: (world: World) => { readonly pid: number; readonly url: string } | undefined
  /**
   * Returns bodies to send: `count` bodies if each may be sent only once, otherwise the bodies that the case repeats.
   */
  readonly bodies: (world: World, count: number) => Promise<readonly (string | Buffer)[]>
  /** Whether bodies can be used for only one measurement, right after they were created. */
  readonly perishable?: true
  /** A text in the body of every answer. */
  readonly expects: string
  /** Tells whether a framed answer over gRPC is the expected one. */
  readonly isGood?: (framed: Buffer) => boolean
  /** Whether the case uses PostgreSQL. */
  readonly usesDatabase: boolean
  readonly countRows?: CountRows
}

/** How many tokens are verified repeatedly. */
const SEEN_TOKENS = 300
/** The server remembers 2,000 grants. */
const SEEN_CHAINS = 300
const INTROSPECTED_TOKENS = 300

const JSON_POST = { protocol: 'http', contentType: 'application/json' } as const
const FORM_POST = { protocol: 'http', contentType: 'application/x-www-form-urlencoded' } as const
const at = ({ pid, http }: { readonly pid: number; readonly http: string }, path: string) => ({ pid, url: http + path })
const verifications = (tokens: readonly string[]) => tokens.map((token) => JSON.stringify({ token }))
const ourOAuth = ({ http }: Auth4Agent): OAuthServer => ({ issuer: BENCH_ISSUER, tokenUrl: `${http}/oauth/token` })
const peerOAuth = ({ http }: Peer): OAuthServer => ({ issuer: http, tokenUrl: `${http}/token` })
const challenges = async ({ agents }: World) => agents.map(({ did }) => JSON.stringify({ did }))

function issuing(title: string, serverOf: (world: World) => Auth4Agent | undefined): Case {
  return {
    ...JSON_POST,
    title,
    once: true,
    usesDatabase: true,
    countRows: issues(challengeIdOf),
    expects: '"token":"ey',
    target(world) {
      const server = serverOf(world)
      return server && at(server, '/v1/token')
    },
    bodies: async (world, count) => tokenBodies((serverOf(world) ?? world.ours).http, world.agents, count),
  }
}

/** All cases, in the order of measurement. Neighbours are compared with each other. */
export const CASES = {
  token: issuing('issue a token', ({ ours }) => ours),
  'token-traced': issuing('issue a token, 1 % of the traces recorded', ({ traced }) => traced.few),
  'token-traced-all': issuing('issue a token, every trace recorded', ({ traced }) => traced.all),
  'oauth-token': {
    ...FORM_POST,
    title: 'client_credentials by private_key_jwt',
    once: true,
    usesDatabase: true,
    countRows: issues(assertionIdOf),
    expects: '"access_token":"ey',
    target: ({ ours }) => at(ours, '/oauth/token'),
    bodies: async ({ ours, agents }, count) => oauthTokenBodies(ourOAuth(ours), agents, count, RESOURCE),
  },
  'user-refresh': {
    ...FORM_POST,
    title: 'refresh a token for a user',
    once: true,
    usesDatabase: true,
    countRows: connectionsAt(1),
    expects: '"access_token":"ey',
    target: ({ ours }) => at(ours, '/oauth/token'),
    bodies: ({ ours, users }, count) => refreshBodies(ours.http, users, count),
  },
  'user-code': {
    ...FORM_POST,
    title: 'a token for a user, for a code',
    once: true,
    usesDatabase: true,
    countRows: connectionsAt(0),
    expects: '"access_token":"ey',
    target: ({ ours }) => at(ours, '/oauth/token'),
    bodies: ({ users }, count) => codeBodies(users, count),
  },
  'peer-token': {
    ...FORM_POST,
    title: 'oidc-provider: client_credentials by private_key_jwt',
    once: true,
    usesDatabase: false,
    expects: '"access_token":"ey',
    target: ({ peer }) => at(peer, '/token'),
    bodies: async ({ peer, agents }, count) => oauthTokenBodies(peerOAuth(peer), agents, count, RESOURCE),
  },
  'durable-peer-token': {
    ...FORM_POST,
    title: 'Better Auth: client_credentials by private_key_jwt',
    once: true,
    usesDatabase: true,
    countRows: usedAssertions,
    expects: '"access_token":"ey',
    target: ({ durablePeer }) => durablePeer && { pid: durablePeer.pid, url: durablePeer.tokenUrl },
    bodies: async ({ durablePeer, agents }, count) =>
      durablePeer === undefined ? [] : oauthTokenBodies(durablePeer, agents, count, RESOURCE),
  },
  'verify-new': {
    ...JSON_POST,
    title: 'verify a token that was not seen before',
    once: true,
    usesDatabase: false,
    expects: '"valid":true',
    target: ({ ours }) => at(ours, '/v1/verify'),
    bodies: async ({ ours, agents }, count) => verifications(await issueTokens(ours.http, agents, count)),
  },
  'peer-introspect-secret': {
    ...FORM_POST,
    title: 'oidc-provider: introspect an opaque token by client_secret_post',
    once: false,
    // The peer's in-memory store keeps the last 1000 entries, and a token request writes two entries. So tokens that
    // were created earlier may be gone.
    perishable: true,
    usesDatabase: false,
    expects: '"active":true',
    target: ({ peer }) => at(peer, '/token/introspection'),
    bodies: ({ peer, agents }) => introspectionBodiesBySecret(peerOAuth(peer), agents, INTROSPECTED_TOKENS),
  },
  'verify-seen': {
    ...JSON_POST,
    title: `verify one of ${SEEN_TOKENS} tokens again`,
    once: false,
    usesDatabase: false,
    expects: '"valid":true',
    target: ({ ours }) => at(ours, '/v1/verify'),
    bodies: async ({ ours, agents }) => verifications(await issueTokens(ours.http, agents, SEEN_TOKENS)),
  },
  'user-seen': {
    ...JSON_POST,
    title: `verify one of ${SEEN_TOKENS} tokens for users again`,
    once: false,
    usesDatabase: false,
    expects: '"valid":true',
    target: ({ ours }) => at(ours, '/v1/verify'),
    bodies: ({ ours, users }) => userVerifications(ours.http, users, SEEN_TOKENS),
  },
  'verify-chain-new': {
    ...JSON_POST,
    title: `verify a chain of ${CHAIN_HOPS} hops that was not seen before`,
    once: true,
    usesDatabase: false,
    expects: '"valid":true',
    target: ({ ours }) => at(ours, '/v1/verify'),
    bodies: ({ ours, agents }, count) => chainVerifications(ours.http, agents, count),
  },
  'verify-chain-seen': {
    ...JSON_POST,
    title: `verify one of ${SEEN_CHAINS} chains of ${CHAIN_HOPS} hops again`,
    once: false,
    usesDatabase: false,
    expects: '"valid":true',
    target: ({ ours }) => at(ours, '/v1/verify'),
    bodies: ({ ours, agents }) => chainVerifications(ours.http, agents, SEEN_CHAINS),
  },
  'oauth-exchange': {
    ...FORM_POST,
    title: `exchange one of ${SEEN_CHAINS} chains of ${CHAIN_HOPS} hops again, with a DPoP proof`,
    once: true,
    // A DPoP proof is accepted for a minute.
    perishable: true,
    usesDatabase: true,
    countRows: issues(assertionIdOf),
    expects: '"access_token":"ey',
    target: ({ ours }) => at(ours, '/oauth/token'),
    bodies: ({ ours, agents }, count) => exchanges(ours.http, ourOAuth(ours), agents, count, SEEN_CHAINS),
  },
  'oauth-introspect': {
    ...FORM_POST,
    title: `introspect one of ${INTROSPECTED_TOKENS} tokens again by private_key_jwt`,
    once: true,
    usesDatabase: true,
    countRows: redemptions(assertionIdOf),
    expects: '"active":true',
    target: ({ ours }) => at(ours, '/oauth/introspect'),
    bodies: ({ ours, agents }, count) => introspectionBodies(ourOAuth(ours), agents, count, INTROSPECTED_TOKENS),
  },
  'peer-introspect': {
    ...FORM_POST,
    title: `oidc-provider: introspect one of ${INTROSPECTED_TOKENS} opaque tokens by private_key_jwt`,
    once: true,
    // As for the other introspections of the peer.
    perishable: true,
    usesDatabase: false,
    expects: '"active":true',
    target: ({ peer }) => at(peer, '/token/introspection'),
    bodies: ({ peer, agents }, count) => introspectionBodies(peerOAuth(peer), agents, count, INTROSPECTED_TOKENS),
  },
  challenge: {
    ...JSON_POST,
    title: 'get a challenge',
    once: false,
    usesDatabase: false,
    expects: '"challenge":"',
    target: ({ ours }) => at(ours, '/v1/challenge'),
    bodies: challenges,
  },
  bare: {
    ...JSON_POST,
    title: 'bare node:http',
    once: false,
    usesDatabase: false,
    expects: '"challenge":"',
    target: ({ bare }) => at(bare, '/v1/challenge'),
    bodies: challenges,
  },
  grpc: {
    protocol: 'grpc',
    contentType: 'application/grpc',
    title: 'verify a token again, over gRPC',
    once: false,
    usesDatabase: false,
    expects: '',
    target: ({ ours }) => ({
      pid: ours.pid,
      url: `${ours.grpc}/${AuthnService.typeName}/${AuthnService.method.verifyToken.name}`,
    }),
    bodies: async ({ ours, agents }) => (await issueTokens(ours.http, agents, 1)).map(framedVerification),
    isGood: (framed) => unframed(VerifyTokenResponseSchema, framed).valid,
  },
  check: {
    protocol: 'grpc',
    contentType: 'application/grpc',
    title: "check a request with a token again, over Envoy's gRPC",
    once: false,
    usesDatabase: false,
    expects: '',
    target: ({ ours }) => ({
      pid: ours.pid,
      url: `${ours.grpc}/${Authorization.typeName}/${Authorization.method.check.name}`,
    }),
    bodies: async ({ ours, agents }) => (await issueTokens(ours.http, agents, 1)).map(framedCheck),
    isGood: (framed) => unframed(CheckResponseSchema, framed).httpResponse.case === 'okResponse',
  },
  authz: {
    ...JSON_POST,
    title: `ask for one of ${SEEN_TOKENS} tokens again, as forward auth does`,
    once: false,
    usesDatabase: false,
    // The answer has no body.
    expects: '',
    target: ({ ours }) => at(ours, `/v1/authz?audience=${encodeURIComponent(BENCH_ISSUER)}&scope=read`),
    bodies: async ({ ours, agents }) => (await issueTokens(ours.http, agents, SEEN_TOKENS)).map(getWithToken),
  },
  'token-one-worker': issuing('issue a token, one worker on all cores', ({ workers }) => workers[1]),
  'token-two-workers': issuing('issue a token, two workers on all cores', ({ workers }) => workers[2]),
} as const satisfies Readonly<Record<string, Case>>

/** Name of a case. */
export type CaseName = keyof typeof CASES
