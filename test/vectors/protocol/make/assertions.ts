import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { ADMIN_ASSERTION_TYPE, ADMIN_ISSUER, OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type KeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { compact, type Edits, type Part, shown } from './jws.ts'
import {
  ADMIN_KEY,
  DID,
  DOMAIN,
  describe,
  ISSUER,
  NOW_S,
  OPERATOR_ID,
  OTHER_DOMAIN,
  OTHER_OPERATOR_ID,
  OTHER_ROOT_KEY,
  ROOT_KEY,
} from './parties.ts'

const SCOPES_CALL = `PATCH /v1/operators/${OPERATOR_ID}/agents/scopes`
const LIST_CALL = `GET /v1/operators/${OPERATOR_ID}/agents`
const SUSPEND_CALL = `POST /v1/operators/${OPERATOR_ID}/agents/${DID}/suspend`
const ADMIN_CALL = `POST /v1/operators/${OPERATOR_ID}/suspend`
const GRPC_CALL = 'auth4agent.v1.IdentityService/SetAgentScopes'

/** The call that an assertion authenticates. If `changes` is true, the assertion must name the call in `rpc`. */
interface Call {
  readonly rpc: string
  readonly changes: boolean
}

const CHANGE: Call = { rpc: SCOPES_CALL, changes: true }
const READ: Call = { rpc: LIST_CALL, changes: false }

interface Changes {
  readonly key?: KeyPair
  readonly header?: Edits
  readonly claims?: Edits
}

/** The operators that the server knows. */
const OPERATORS = [
  { id: OPERATOR_ID, domain: DOMAIN, status: 'active', key: ROOT_KEY },
  { id: OTHER_OPERATOR_ID, domain: OTHER_DOMAIN, status: 'active', key: OTHER_ROOT_KEY },
] as const

/** Makes accepted assertions of an operator and of the administrator, and assertions that the server refuses. */
export async function makeAssertions(): Promise<object> {
  return {
    description: describe(
      'Assertions in the Authorization header, and whether the server accepts each of them.',
      '`call` is the call that the assertion authenticates. A case may have its own `call`, which replaces this one.',
      '`changed` shows how the assertion differs from a good one. A member that is null there is left out.',
      'In a call that changes something, the server also refuses a jti that was used before.',
      'No case shows this, because it needs two calls.',
    ),
    issuer: ISSUER,
    now: NOW_S,
    clock_skew: 10,
    operators: OPERATORS.map(({ id, domain, status, key }) => ({
      id,
      domain,
      status,
      public_key: encodeBase64(key.publicKey),
      thumbprint: thumbprint(key.publicKey),
    })),
    admin: { public_key: encodeBase64(ADMIN_KEY.publicKey), thumbprint: thumbprint(ADMIN_KEY.publicKey) },
    good: { header: HEADER, claims: CLAIMS },
    call: CHANGE,
    cases: [
      ...(await accepted()),
      ...(await refusedTexts()),
      ...(await refusedMembers()),
      ...(await refusedCalls()),
      ...(await statuses()),
    ],
  }
}

const HEADER = { alg: 'EdDSA', typ: OPERATOR_ASSERTION_TYPE, kid: thumbprint(ROOT_KEY.publicKey) }
const CLAIMS = {
  iss: OPERATOR_ID,
  sub: OPERATOR_ID,
  aud: ISSUER,
  iat: NOW_S - 30,
  exp: NOW_S + 60,
  jti: 'assertion-1',
  rpc: SCOPES_CALL,
}
const ADMIN_HEADER = { alg: 'EdDSA', typ: ADMIN_ASSERTION_TYPE, kid: thumbprint(ADMIN_KEY.publicKey) }
const ADMIN_CLAIMS = { iss: ADMIN_ISSUER, sub: ADMIN_ISSUER, rpc: ADMIN_CALL }

function assertion({ key = ROOT_KEY, header = {}, claims = {} }: Changes): Promise<string> {
  return ofParts({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, key)
}

function ofParts(header: Part, payload: Part, key = ROOT_KEY): Promise<string> {
  return compact(header, payload, (signingInput) => sign(key.privateKey, signingInput))
}

async function judged(name: string, expect: unknown, changes: Changes = {}, call: Call = CHANGE): Promise<object> {
  const { header, claims } = changes
  const difference = { ...(header && { header: shown(header) }), ...(claims && { claims: shown(claims) }) }
  return {
    name,
    ...(Object.keys(difference).length > 0 && { changed: difference }),
    ...(call !== CHANGE && { call }),
    authorization: `Bearer ${await assertion(changes)}`,
    expect,
  }
}

const expectParty = (party: string, expires_at = CLAIMS.exp, jti = CLAIMS.jti) => ({ party, jti, expires_at })
const INVALID = { refused: 'INVALID_ASSERTION' }

async function accepted(): Promise<object[]> {
  const operator = expectParty(OPERATOR_ID)
  const good = await assertion({})
  return [
    await judged('an operator calls a method that changes something', operator),
    await judged(
      'a path with a DID',
      operator,
      { claims: { rpc: SUSPEND_CALL } },
      { rpc: SUSPEND_CALL, changes: true },
    ),
    await judged(
      'gRPC and Connect name the full method',
      operator,
      { claims: { rpc: GRPC_CALL } },
      { rpc: GRPC_CALL, changes: true },
    ),
    await judged('an operator reads, and rpc names the call', operator, { claims: { rpc: LIST_CALL } }, READ),
    await judged('an operator reads, and there is no rpc', operator, { claims: { rpc: undefined } }, READ),
    await judged('alg Ed25519 (RFC 9864)', operator, { header: { alg: 'Ed25519' } }),
    await judged('an unknown claim', operator, { claims: { note: 'new' } }),
    await judged('the longest lifetime', expectParty(OPERATOR_ID, NOW_S + 270), { claims: { exp: NOW_S + 270 } }),
    await judged('issued in the future, within the clock skew', expectParty(OPERATOR_ID, NOW_S + 70), {
      claims: { iat: NOW_S + 10, exp: NOW_S + 70 },
    }),
    await judged('the last second before it expires, clock skew included', expectParty(OPERATOR_ID, NOW_S - 9), {
      claims: { exp: NOW_S - 9 },
    }),
    await judged(
      'the administrator',
      expectParty(ADMIN_ISSUER),
      { key: ADMIN_KEY, header: ADMIN_HEADER, claims: ADMIN_CLAIMS },
      { rpc: ADMIN_CALL, changes: true },
    ),
    { name: 'the scheme in lower case', authorization: `bearer ${good}`, expect: operator },
  ]
}

const refusedText = (name: string, authorization: string) => ({ name, authorization, expect: INVALID })

async function refusedTexts(): Promise<object[]> {
  const good = await assertion({})
  const [header = '', payload = '', signature = ''] = good.split('.')
  const claims = JSON.stringify(CLAIMS)
  return [
    refusedText('an empty header', ''),
    refusedText('another scheme', `Basic ${good}`),
    refusedText('no scheme', good),
    refusedText('two spaces after the scheme', `Bearer  ${good}`),
    refusedText('two assertions', `Bearer ${good}, Bearer ${good}`),
    refusedText('base64 padding', `Bearer ${header}.${payload}.${signature}==`),
    refusedText('no signature', `Bearer ${header}.${payload}.`),
    refusedText(
      'a claim twice',
      `Bearer ${await ofParts(HEADER, claims.replace('{', '{"aud":"https://evil.example",'))}`,
    ),
    refusedText('a payload that is an array', `Bearer ${await ofParts(HEADER, `[${claims}]`)}`),
  ]
}

async function refusedMembers(): Promise<object[]> {
  const byHeader = (name: string, header: Edits) => judged(name, INVALID, { header })
  const byClaims = (name: string, claims: Edits) => judged(name, INVALID, { claims })
  return Promise.all([
    byHeader('alg none', { alg: 'none' }),
    byHeader('alg ES256', { alg: 'ES256' }),
    byHeader('no typ', { typ: undefined }),
    byHeader('typ of an access token', { typ: 'at+jwt' }),
    byHeader('typ of an administrator assertion', { typ: ADMIN_ASSERTION_TYPE }),
    byHeader('no kid', { kid: undefined }),
    byHeader('the kid of another key', { kid: thumbprint(OTHER_ROOT_KEY.publicKey) }),
    byHeader('crit', { crit: ['exp'] }),
    byHeader('a key in the header: jwk', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } }),
    judged('the signature of another key', INVALID, { key: OTHER_ROOT_KEY }),
    judged('another operator in iss and sub', INVALID, { claims: { iss: OTHER_OPERATOR_ID, sub: OTHER_OPERATOR_ID } }),
    byClaims('an operator that does not exist', { iss: UNKNOWN_OPERATOR_ID, sub: UNKNOWN_OPERATOR_ID }),
    byClaims('iss that differs from sub', { sub: OTHER_OPERATOR_ID }),
    byClaims('no iss', { iss: undefined }),
    byClaims('iss names the administrator, but an operator signs', { iss: ADMIN_ISSUER, sub: ADMIN_ISSUER }),
    byClaims('another aud', { aud: 'https://auth.example.org' }),
    byClaims('aud with a trailing slash', { aud: `${ISSUER}/` }),
    byClaims('aud that is an array', { aud: [ISSUER] }),
    byClaims('no aud', { aud: undefined }),
    byClaims('no jti', { jti: undefined }),
    byClaims('jti of 65 characters', { jti: 'j'.repeat(65) }),
    byClaims('iat that is a string', { iat: String(NOW_S) }),
    byClaims('exp with a fraction', { exp: NOW_S + 59.5 }),
    byClaims('no exp', { exp: undefined }),
    byClaims('exp equal to iat', { exp: NOW_S - 30 }),
    byClaims('a lifetime of 301 seconds', { exp: NOW_S + 271 }),
    byClaims('issued in the future, beyond the clock skew', { iat: NOW_S + 11, exp: NOW_S + 71 }),
    byClaims('nbf in the future, beyond the clock skew', { nbf: NOW_S + 11 }),
    judged('expired, clock skew included', { refused: 'ASSERTION_EXPIRED' }, { claims: { exp: NOW_S - 10 } }),
  ])
}

const UNKNOWN_OPERATOR_ID = '00000000-0000-8000-8000-000000000000'

const refusedCall = (name: string, rpc: unknown, call: Call = CHANGE) =>
  judged(name, INVALID, { claims: { rpc } }, call)

async function refusedCalls(): Promise<object[]> {
  return Promise.all([
    refusedCall('a change without rpc', undefined),
    refusedCall('a change that names another call', SUSPEND_CALL),
    refusedCall('a change that names the path without its verb', SCOPES_CALL.replace('PATCH ', '')),
    refusedCall('the verb in lower case', SCOPES_CALL.replace('PATCH', 'patch')),
    refusedCall('a path with its query', `${SCOPES_CALL}?page=1`),
    refusedCall('a path with a trailing slash', `${SCOPES_CALL}/`),
    refusedCall('rpc has the DID percent-encoded, the request has it plain', SUSPEND_CALL.replaceAll(':', '%3A'), {
      rpc: SUSPEND_CALL,
      changes: true,
    }),
    refusedCall('the gRPC name on a REST call', GRPC_CALL),
    refusedCall('a read that names another call', SCOPES_CALL, READ),
    refusedCall('rpc that is null on a read', null, READ),
  ])
}

const inStatus = async (status: string, expect: unknown) => ({
  ...(await judged(`an operator that is ${status}`, expect)),
  status,
})

/** Makes a case for each other status of the operator. Its `status` replaces the one at the top of the file. */
async function statuses(): Promise<object[]> {
  const refused = { refused: 'OPERATOR_NOT_ACTIVE' }
  return Promise.all([
    inStatus('lapsed', expectParty(OPERATOR_ID)),
    inStatus('suspended', expectParty(OPERATOR_ID)),
    inStatus('pending', refused),
    inStatus('superseded', refused),
    inStatus('released', refused),
  ])
}
