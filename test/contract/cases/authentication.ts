import { createHash, randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { DescMethod } from '@bufbuild/protobuf'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { AssertionEdits } from '../../support/assertions.ts'
import { methods, shortName } from '../support/contract.ts'
import { assertionOf, type RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { callersOf, changes } from './callers.ts'
import { NOBODY, type ValidRequest, validRequests } from './valid-requests.ts'

const now = () => Math.floor(Date.now() / 1000)
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')

/** Assertions with one mistake. `rpc` is the call that a good assertion names. */
const BAD_ASSERTIONS: Readonly<Record<string, (world: World, rpc: string) => AssertionEdits>> = {
  'another audience': () => ({ claims: { aud: 'https://rogue.com' } }),
  'an audience with an extra slash': ({ issuer }) => ({ claims: { aud: `${issuer}/` } }),
  'a list of audiences': ({ issuer }) => ({ claims: { aud: [issuer] } }),
  'no audience': () => ({ claims: { aud: undefined } }),
  'no rpc': () => ({ claims: { rpc: undefined } }),
  'another rpc': () => ({ claims: { rpc: 'POST /v1/operators' } }),
  'its rpc in lower case': (_, rpc) => ({ claims: { rpc: rpc.toLowerCase() } }),
  'its rpc with a query': (_, rpc) => ({ claims: { rpc: `${rpc}?x=1` } }),
  'a list of rpcs': (_, rpc) => ({ claims: { rpc: [rpc] } }),
  'another subject': ({ operators }) => ({ claims: { sub: operators.bravo.id } }),
  'no subject': () => ({ claims: { sub: undefined } }),
  'another issuer': ({ operators }) => ({ claims: { iss: operators.bravo.id, sub: operators.bravo.id } }),
  'an unknown issuer': () => ({ claims: { iss: NOBODY, sub: NOBODY } }),
  'an issuer that is not an id': () => ({ claims: { iss: '__proto__', sub: '__proto__' } }),
  'the administrator as issuer': () => ({ claims: { iss: 'admin', sub: 'admin' } }),
  'no jti': () => ({ claims: { jti: undefined } }),
  'an empty jti': () => ({ claims: { jti: '' } }),
  'a jti of 65 characters': () => ({ claims: { jti: 'a'.repeat(65) } }),
  'a number as jti': () => ({ claims: { jti: 1 } }),
  'a lifetime of 301 seconds': () => ({ claims: { iat: now(), exp: now() + 301 } }),
  'exp before iat': () => ({ claims: { iat: now(), exp: now() - 1 } }),
  'iat in the future': () => ({ claims: { iat: now() + 60, exp: now() + 120 } }),
  'nbf in the future': () => ({ claims: { nbf: now() + 60 } }),
  'no iat': () => ({ claims: { iat: undefined } }),
  'no exp': () => ({ claims: { exp: undefined } }),
  'exp as text': () => ({ claims: { exp: String(now() + 60) } }),
  'exp with half a second': () => ({ claims: { exp: now() + 60.5 } }),
  'alg none': () => ({ header: { alg: 'none' } }),
  'alg HS256': () => ({ header: { alg: 'HS256' } }),
  'no typ': () => ({ header: { typ: undefined } }),
  'the typ of an access token': () => ({ header: { typ: 'at+jwt' } }),
  'the typ of the administrator': () => ({ header: { typ: 'auth4agent-admin+jwt' } }),
  'no kid': () => ({ header: { kid: undefined } }),
  'another kid': () => ({ header: { kid: thumbprint(generateKeyPair().publicKey) } }),
  'a digest of the body that is no text': () => ({ claims: { body: 1 } }),
  'a digest of the body that is null': () => ({ claims: { body: null } }),
  'an empty digest of the body': () => ({ claims: { body: '' } }),
  'a digest of the body in hex': () => ({ claims: { body: 'a'.repeat(64) } }),
  'a digest of the body in base64': () => ({ claims: { body: `${'a'.repeat(43)}=` } }),
  'a critical extension': () => ({ header: { crit: ['exp'] } }),
  'its own key in the header': () => ({
    header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(new Uint8Array(32)) } },
  }),
}

/** Authorization headers that contain no valid assertion. */
const BAD_HEADERS: Readonly<Record<string, (good: string) => string>> = {
  'another scheme': (good) => good.replace('Bearer', 'Basic'),
  'no scheme': (good) => good.replace('Bearer ', ''),
  'a scheme without an assertion': () => 'Bearer',
  'a token that is not a JWT': () => 'Bearer token',
  'two assertions': (good) => `${good}, ${good}`,
  'an assertion of two parts': (good) => good.replace(/\.[^.]*$/, ''),
  'an assertion of four parts': (good) => `${good}.e30`,
  'an assertion without its signature': (good) => good.replace(/[^.]*$/, ''),
  'a changed signature': (good) => good.replace(/[^.]{4}$/, 'AAAA'),
  'a signature with padding': (good) => `${good}==`,
  'an assertion of 5 KB': (good) => `${good}${'A'.repeat(5000)}`,
}

const thorough = IdentityService.method.suspendAgent

const thoroughCases: readonly RefusalCase[] = [
  ...Object.entries(BAD_ASSERTIONS).map(([name, edits]) => invalid(thorough, name, { edits })),
  ...Object.entries(BAD_HEADERS).map(([name, spoil]) =>
    invalid(thorough, name, {
      authorization: ({ operators }: World, rpc: string) => spoil(assertionOf(operators.acme, rpc)),
    }),
  ),
]

function invalid(method: DescMethod, name: string, how: Partial<RefusalCase>): RefusalCase {
  return { name, method, reason: 'INVALID_ASSERTION', caller: goodCaller(method), request: valid(method), ...how }
}

function goodCaller(method: DescMethod): 'admin' | 'acme' {
  return callersOf(method) === 'admin' ? 'admin' : 'acme'
}

function valid(method: DescMethod): ValidRequest {
  const request = validRequests[shortName(method)]
  if (request === undefined) throw new Error(`${shortName(method)} has no valid request`)
  return request
}

/** Cases about the assertion for one method that accepts one. */
function casesOf(method: DescMethod): RefusalCase[] {
  const request = valid(method)
  const caller = goodCaller(method)
  const made: RefusalCase[] = [
    invalid(method, 'the rpc of another call', { edits: (_, rpc) => ({ claims: { rpc: `${rpc}x` } }) }),
    invalid(method, 'another server’s audience', { edits: () => ({ claims: { aud: 'https://rogue.com' } }) }),
    {
      name: 'an assertion that expired a minute ago',
      method,
      reason: 'ASSERTION_EXPIRED',
      caller,
      request,
      edits: () => ({ claims: { iat: now() - 120, exp: now() - 60 } }),
    },
    {
      name: 'the digest of another body',
      method,
      reason: 'BODY_DIGEST_MISMATCH',
      caller,
      request,
      over: method === thorough ? ['rest', 'grpc', 'connect', 'grpc-web'] : ['rest', 'grpc'],
      edits: () => ({ claims: { body: digest('another body') } }),
    },
    {
      name: 'a message signature that cannot be read',
      method,
      reason: 'INVALID_REQUEST_SIGNATURE',
      request,
      over: ['rest'],
      headers: { 'signature-input': '(nonsense', signature: 'nonsense' },
    },
    ...(['pending', 'superseded', 'released'] as const).map(
      (operator): RefusalCase => ({
        name: `the caller is an operator that is ${operator}`,
        method,
        reason: 'OPERATOR_NOT_ACTIVE',
        caller: operator,
        // Every caller can create a pending operator, so its calls are not audited. The other operators have owned
        // their domain.
        audited: operator !== 'pending',
        request,
      }),
    ),
  ]
  if (!callersOf(method).startsWith('anyone'))
    made.push({ name: 'no assertion', method, reason: 'UNAUTHENTICATED', request })
  if (changes(method)) {
    made.push(
      invalid(method, 'no rpc', { edits: () => ({ claims: { rpc: undefined } }) }),
      {
        name: 'an assertion without a digest, by an operator that requires one',
        method,
        reason: 'BODY_DIGEST_REQUIRED',
        caller: 'strict',
        request,
        edits: () => ({ claims: { body: undefined } }),
      },
      used(method),
    )
  }
  return made
}

/** A call that would succeed, except that its assertion has already been used. */
function used(method: DescMethod): RefusalCase {
  const caller = goodCaller(method)
  let jti = ''
  return {
    name: 'an assertion that was used before',
    method,
    reason: 'ASSERTION_USED',
    caller,
    request: async (world) => {
      jti = randomUUID()
      const issuer = caller === 'admin' ? 'admin' : world.operators[caller].id
      await world.db.prisma.usedAssertion.create({ data: { issuer, jti, keepUntil: new Date(Date.now() + 600_000) } })
      return valid(method)(world)
    },
    edits: () => ({ claims: { jti } }),
  }
}

/** Cases about the assertion, for every RPC that accepts one. */
export const authenticationCases: readonly RefusalCase[] = [
  ...thoroughCases,
  ...methods.filter((method) => callersOf(method) !== 'anyone').flatMap(casesOf),
]
