import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { formatDid } from '@auth4agent/core/identity/did'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { DETAILS } from '../../support/grant-details.ts'
import { sendHttp } from '../support/http.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { restRequest } from '../support/rest-request.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { chooseAlgorithms } from './audiences.ts'
import { BAD_DETAILS } from './grants.ts'
import { NOT_DIDS, NOT_SCOPES } from './identity.ts'

const rpc = AuthnService.method
const UNKNOWN_DID = formatDid('acme-operator.com', '0'.repeat(32))
const NOWHERE_DID = formatDid('nobody-operator.com', '0'.repeat(32))

const BAD_AUDIENCES: Readonly<Record<string, string[]>> = {
  'an empty audience': [''],
  'an audience without a host': ['https://'],
  'an audience with user information': ['https://me@api.bravo-operator.com/'],
  'an audience with a fragment': ['https://api.bravo-operator.com/#x'],
  'an audience with a blank': ['https://api.bravo-operator.com/ x'],
  'an audience with a backslash': ['https:\\\\api.bravo-operator.com'],
  'an audience in upper case': ['API.bravo-operator.com'],
  'an audience with a trailing dot': ['https://api.bravo-operator.com./'],
  'an audience of 256 characters': [`https://api.bravo-operator.com/${'a'.repeat(225)}`],
  'nine audiences': Array.from({ length: 9 }, (_, index) => `a${index}.com`),
}

const BAD_TTLS: Readonly<Record<string, string>> = {
  'a ttl in words': 'soon',
  'a negative ttl': '-60s',
  'a ttl of zero': '0s',
  'a ttl below the bounds': '29s',
  'a ttl above the bounds': '3601s',
  'a ttl that is not a whole number of seconds': '90.5s',
  'a ttl with an unknown unit': '1d',
  'a ttl that overflows': '99999999999999999999',
  'a ttl with white space': ' 90s',
}

const WISHES: readonly (readonly [string, ReasonCode, JsonObject])[] = [
  ...Object.entries(NOT_SCOPES).map(([name, scope]) => [name, 'INVALID_SCOPE', { scope: `read ${scope}` }] as const),
  ['a scope with two blanks', 'INVALID_SCOPE', { scope: 'read  write' }],
  ['65 scopes', 'INVALID_SCOPE', { scope: Array.from({ length: 65 }, (_, index) => `s${index}`).join(' ') }],
  ...Object.entries(BAD_AUDIENCES).map(([name, audience]) => [name, 'INVALID_AUDIENCE', { audience }] as const),
  ...Object.entries(BAD_TTLS).map(([name, ttl]) => [name, 'INVALID_TTL', { ttl }] as const),
]

const challenges: readonly RefusalCase[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => asked(name, 'INVALID_DID', { did })),
  asked('an empty DID', 'INVALID_DID', { did: '' }),
  asked('an unknown agent', 'AGENT_NOT_FOUND', { did: UNKNOWN_DID }),
  asked('an agent under an unknown domain', 'AGENT_NOT_FOUND', { did: NOWHERE_DID }),
  ...WISHES.map(([name, reason, wishes]) => asked(name, reason, wishes)),
  ...BAD_DETAILS.filter(([, , text]) => text !== '').map(([name, reason, authorization_details]) =>
    asked(name, reason, { authorization_details }),
  ),
  asked('authorization details and a scope', 'INVALID_ARGUMENT', { authorization_details: DETAILS, scope: 'read' }),
]

function asked(name: string, reason: ReasonCode, fields: JsonObject): RefusalCase {
  const request = ({ agents }: World) => ({ did: agents.active.did, ...fields })
  return { name, reason, method: rpc.createChallenge, request }
}

type Redemption = ReturnType<World['challenge']>

/** A redemption with one mistake. */
function redeemed(
  name: string,
  reason: ReasonCode,
  spoil: (good: Redemption, world: World) => JsonObject,
  { agent = 'active', content = {} }: { agent?: AgentName; content?: Parameters<World['challenge']>[1] } = {},
): RefusalCase {
  return {
    name,
    reason,
    method: rpc.issueToken,
    request: (world) => {
      const good = world.challenge(world.agents[agent], content)
      return { ...good, ...spoil(good, world) }
    },
  }
}

const asIs = () => ({})
const other = generateKeyPair()
const flip = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`

const forms: readonly RefusalCase[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => redeemed(name, 'INVALID_DID', () => ({ did }))),
  redeemed('an empty DID', 'INVALID_DID', () => ({ did: '' })),
  ...WISHES.map(([name, reason, wishes]) => redeemed(name, reason, () => wishes)),
  redeemed('no challenge', 'CHALLENGE_NOT_FOUND', () => ({ challenge: '' })),
  redeemed('an unknown challenge', 'CHALLENGE_NOT_FOUND', () => ({ challenge: 'A'.repeat(200) })),
  redeemed('a changed challenge', 'CHALLENGE_NOT_FOUND', ({ challenge }) => ({
    challenge: `${challenge.slice(0, -2)}${flip(challenge.slice(-2))}`,
  })),
  redeemed('a challenge with padding', 'CHALLENGE_NOT_FOUND', ({ challenge }) => ({ challenge: `${challenge}=` })),
  redeemed('a challenge of 40 KB', 'CHALLENGE_NOT_FOUND', () => ({ challenge: 'A'.repeat(40_000) })),
  redeemed('no nonce', 'CHALLENGE_NOT_FOUND', () => ({ nonce: '' })),
  redeemed('another nonce', 'CHALLENGE_NOT_FOUND', ({ nonce }) => ({ nonce: flip(nonce) })),
  redeemed('a nonce of 15 bytes', 'CHALLENGE_NOT_FOUND', () => ({ nonce: encodeBase64url(new Uint8Array(15)) })),
  redeemed('a nonce with padding', 'CHALLENGE_NOT_FOUND', ({ nonce }) => ({ nonce: `${nonce}==` })),
  redeemed('another agent’s challenge', 'CHALLENGE_NOT_FOUND', (_, { agents }) => ({ did: agents.ofBravo.did })),
  redeemed('a challenge of another issuer', 'CHALLENGE_NOT_FOUND', asIs, { content: { iss: 'https://rogue.com' } }),
  redeemed('a challenge under an unknown key', 'CHALLENGE_NOT_FOUND', asIs, { content: { kid: 'AAAAAAAAAAAA' } }),
  {
    name: 'an agent that has been deleted since',
    reason: 'AGENT_NOT_FOUND',
    method: rpc.issueToken,
    request: ({ challenge }) => challenge({ did: UNKNOWN_DID, pair: other }),
  },
  redeemed('an expired challenge', 'CHALLENGE_EXPIRED', asIs, { content: { exp: Math.floor(Date.now() / 1000) - 1 } }),
  redeemed('an expired challenge without a signature', 'CHALLENGE_EXPIRED', () => ({ signature: '' }), {
    content: { exp: 1 },
  }),
]

const signatures: readonly RefusalCase[] = [
  ...[0, 63, 65].map((size) =>
    redeemed(`a signature of ${size} bytes`, 'INVALID_SIGNATURE', () => ({
      signature: encodeBase64(new Uint8Array(size)),
    })),
  ),
  redeemed('another agent’s signature', 'INVALID_SIGNATURE', ({ challenge, nonce }) => ({
    signature: encodeBase64(sign(other.privateKey, Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`))),
  })),
  redeemed('a signature over the challenge without the nonce', 'INVALID_SIGNATURE', ({ challenge }, { agents }) => ({
    signature: encodeBase64(sign(agents.active.pair.privateKey, Buffer.from(challenge))),
  })),
  redeemed('a changed signature', 'INVALID_SIGNATURE', ({ signature }) => ({ signature: flip(signature) })),
]

const ISSUED_FOR = { scope: 'read', aud: ['a.com'], ttl: 60 }

const bindings: readonly RefusalCase[] = [
  redeemed('another scope', 'BINDING_MISMATCH', () => ({ scope: 'write' }), { content: ISSUED_FOR }),
  redeemed('no scope where one is bound', 'BINDING_MISMATCH', () => ({ scope: '' }), { content: ISSUED_FOR }),
  redeemed('another audience', 'BINDING_MISMATCH', () => ({ audience: ['b.com'] }), { content: ISSUED_FOR }),
  redeemed('an additional audience', 'BINDING_MISMATCH', () => ({ audience: ['a.com', 'b.com'] }), {
    content: ISSUED_FOR,
  }),
  redeemed('a challenge for a grant', 'BINDING_MISMATCH', asIs, { content: { details: 'x' } }),
  redeemed('a challenge for the depth of a grant', 'BINDING_MISMATCH', asIs, { content: { depth: 0 } }),
  redeemed('another agent that may act', 'BINDING_MISMATCH', () => ({ may_act: NOWHERE_DID }), {
    content: { may_act: UNKNOWN_DID },
  }),
  redeemed('an agent of another domain that may act', 'DELEGATION_NOT_ALLOWED', () => ({ may_act: NOWHERE_DID })),
  redeemed('another ttl', 'BINDING_MISMATCH', () => ({ ttl: '61s' }), { content: ISSUED_FOR }),
  redeemed('an unbound challenge of an agent that requires bound ones', 'BINDING_REQUIRED', asIs, { agent: 'careful' }),
  redeemed('an unbound challenge under an operator that requires bound ones', 'BINDING_REQUIRED', asIs, {
    agent: 'ofBound',
  }),
  redeemed('a challenge that is bound only in part', 'BINDING_REQUIRED', asIs, {
    agent: 'careful',
    content: { scope: 'read', ttl: 60 },
  }),
]

const standings: readonly RefusalCase[] = [
  ...(['pending', 'suspended', 'revoked'] as const).map((agent) =>
    redeemed(`an agent that is ${agent}`, 'AGENT_NOT_ACTIVE', asIs, { agent }),
  ),
  redeemed('an operator that is suspended', 'AGENT_OPERATOR_NOT_ACTIVE', asIs, { agent: 'ofSuspended' }),
  redeemed('a scope beyond the grant', 'SCOPE_NOT_ALLOWED', () => ({ scope: 'admin' })),
  redeemed('one scope within the grant and one beyond it', 'SCOPE_NOT_ALLOWED', () => ({ scope: 'read admin' })),
  redeemed('a scope in another case', 'SCOPE_NOT_ALLOWED', () => ({ scope: 'Read' })),
  redeemed('the name of a prototype’s member as a scope', 'SCOPE_NOT_ALLOWED', () => ({ scope: 'constructor' })),
  ...['bravo-operator.com', 'api.bravo-operator.com', 'https://deep.api.bravo-operator.com/x'].map((audience) =>
    redeemed(`the audience ${audience}`, 'AUDIENCE_NOT_ALLOWED', () => ({ audience: [audience] })),
  ),
  {
    name: 'a challenge that was redeemed before',
    reason: 'CHALLENGE_USED',
    method: rpc.issueToken,
    request: async ({ agents, challenge, server }) => {
      const request = challenge(agents.active)
      const { status } = await sendHttp(server.baseUrl, restRequest(rpc.issueToken, request))
      if (status !== 200) throw new Error(`The first redemption was refused with ${status}`)
      return request
    },
  },
]

const CONFLICTS: Readonly<Record<string, (world: World) => string[]>> = {
  "two audiences of the agent's operator": () => ['es256.acme-operator.com', 'rs256.acme-operator.com'],
  'the issuer and another audience': ({ issuer }) => [issuer, 'https://es256.acme-operator.com:8443/v1'],
  'an audience without an owner and another one': () => ['nobody-operator.com', 'https://rs256.acme-operator.com/'],
  'audiences of two operators': () => ['es256.acme-operator.com', 'ed25519.bravo-operator.com'],
  'two algorithm names for one curve': ({ issuer }) => ['ed25519.bravo-operator.com', issuer],
  'the longest audiences, whose percent signs take three bytes each in a gRPC status': ({ issuer }) => [
    issuer,
    ...Array.from({ length: 7 }, (_, index) => `https://es256.acme-operator.com/${index}${'%'.repeat(222)}`),
  ],
}

const conflicts = Object.entries(CONFLICTS).flatMap(([name, audiences]) =>
  ['requested', 'bound'].map(
    (how): RefusalCase => ({
      name: `${name}, ${how}`,
      reason: 'ALGORITHM_CONFLICT',
      method: rpc.issueToken,
      request: async (world) => {
        await chooseAlgorithms(world)
        const audience = audiences(world)
        if (how === 'bound') return world.challenge(world.agents.active, { aud: audience.toSorted() })
        return { ...world.challenge(world.agents.active), audience }
      },
    }),
  ),
)

const NOT_URLS: Readonly<Record<string, string>> = {
  'a path as URL': '/orders',
  'a host as URL': 'api.acme-operator.com',
  'a URL of another scheme': 'ftp://api.acme-operator.com/',
  'a URL without a host': 'https:///orders',
  'a URL with user information': 'https://me@api.acme-operator.com/',
  'a URL with a blank': 'https://api.acme-operator.com/a b',
  'a URL with a backslash': 'https://api.acme-operator.com/a\\b',
  'a URL with a malformed escape': 'https://api.acme-operator.com/%zz',
  'a URL with a port that is too large': 'https://api.acme-operator.com:65536/',
}

const verification: readonly RefusalCase[] = [
  ...Object.entries(NOT_SCOPES).map(
    ([name, scope]): RefusalCase => checked(name, 'INVALID_SCOPE', { scope: `read ${scope}` }),
  ),
  checked('an empty scope', 'INVALID_SCOPE', { scope: '' }),
  checked('an empty audience', 'INVALID_AUDIENCE', { audience: ['a.com', ''] }),
  checked('an empty entry in operators', 'INVALID_ARGUMENT', { operators: ['a.com', ''] }),
  checked('65 audiences', 'INVALID_ARGUMENT', { audience: Array.from({ length: 65 }, () => 'a.com') }),
  ...Object.entries(NOT_URLS).map(([name, http_url]) =>
    checked(name, 'INVALID_ARGUMENT', { dpop_proof: 'a.b.c', http_method: 'GET', http_url }),
  ),
  checked('a proof without a method', 'INVALID_ARGUMENT', { dpop_proof: 'a.b.c', http_url: 'https://a.com/' }),
  checked('a proof without a URL', 'INVALID_ARGUMENT', { dpop_proof: 'a.b.c', http_method: 'GET' }),
  checked('method and URL without a proof', 'INVALID_ARGUMENT', { http_method: 'GET', http_url: 'https://a.com/' }),
  checked('65 operators', 'INVALID_ARGUMENT', { operators: Array.from({ length: 65 }, () => 'a.com') }),
]

function checked(name: string, reason: ReasonCode, fields: JsonObject): RefusalCase {
  return { name, reason, method: rpc.verifyToken, request: () => ({ token: 'a.b.c', ...fields }) }
}

/** Cases about the rules of AuthnService. */
export const authnCases: readonly RefusalCase[] = [
  ...challenges,
  ...forms,
  ...signatures,
  ...bindings,
  ...standings,
  ...conflicts,
  ...verification,
]
