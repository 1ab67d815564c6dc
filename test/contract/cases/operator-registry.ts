import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { Point } from '@noble/ed25519'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { OperatorName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOBODY } from './valid-requests.ts'

const rpc = OperatorRegistryService.method
const KEY = encodeBase64(generateKeyPair().publicKey)
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')

const BAD_DOMAINS: Readonly<Record<string, string>> = {
  'an empty domain': '',
  'a domain of white space': '  ',
  'a single label': 'com',
  'the domain localhost': 'localhost',
  'a public suffix': 'co.uk',
  'a private suffix': 'github.io',
  'a domain without a public top-level domain': 'acme.nosuchtld',
  'a reserved name': 'acme.example',
  'a test domain on a server with an external database': 'acme.test',
  'an IPv4 address': '192.0.2.1',
  'an IPv6 address': '[2001:db8::1]',
  'a domain with a port': 'acme.com:443',
  'a domain with a scheme': 'https://acme.com',
  'a domain with a path': 'acme.com/agents',
  'a domain with a backslash': 'acme.com\\agents',
  'a domain with a query': 'acme.com?x',
  'a domain with user information': 'me@acme.com',
  'a domain with a wildcard': '*.acme.com',
  'a domain with an underscore': '_dmarc.acme.com',
  'a domain with an empty label': 'acme..com',
  'a domain with two trailing dots': 'acme.com..',
  'a label that ends with a hyphen': 'acme-.com',
  'a label of 64 characters': `${'a'.repeat(64)}.com`,
  'a domain that is too long for the name of its proof': `${'a.'.repeat(118)}acme.com`,
  'an A-label that cannot be decoded': 'xn--zzzzzzzz99999.com',
  'a domain with a percent sign': 'acme%2ecom',
  'a domain with an inner tab': 'ac\tme.com',
  'a domain of a thousand labels': 'a.'.repeat(1000),
}

const BAD_KEYS: Readonly<Record<string, string>> = {
  'a missing key': '',
  'a key of 31 bytes': encodeBase64(new Uint8Array(31).fill(1)),
  'a key of 33 bytes': encodeBase64(new Uint8Array(33).fill(1)),
  'a key that is not a point of the curve': encodeBase64(Uint8Array.of(2, ...new Uint8Array(31))),
  'a key that is not canonical': encodeBase64(Uint8Array.of(0xee, ...new Uint8Array(30).fill(0xff), 0x7f)),
  'the neutral element as key': encodeBase64(Uint8Array.of(1, ...new Uint8Array(31))),
  'a key of small order': encodeBase64(TORSION.toBytes()),
  'a key of mixed order': encodeBase64(Point.BASE.add(TORSION).toBytes()),
}

const register: readonly RefusalCase[] = [
  ...Object.entries(BAD_DOMAINS).map(
    ([name, domain]): RefusalCase => ({
      name,
      method: rpc.registerOperator,
      reason: 'INVALID_DOMAIN',
      request: () => ({ domain, root_public_key: KEY }),
    }),
  ),
  ...Object.entries(BAD_KEYS).map(
    ([name, key]): RefusalCase => ({
      name,
      method: rpc.registerOperator,
      reason: 'INVALID_PUBLIC_KEY',
      request: () => ({ domain: 'new-operator.com', root_public_key: key }),
    }),
  ),
]

const BAD_IDS: Readonly<Record<string, (world: World) => string>> = {
  'an unknown id': () => NOBODY,
  'an id that is not a UUID': () => 'acme',
  'an id in upper case': ({ operators }) => operators.acme.id.toUpperCase(),
  'an id with a blank': ({ operators }) => `${operators.acme.id} `,
  'the id of an agent': ({ agents }) => agents.active.id,
  'the name of a prototype’s member': () => '__proto__',
}

/** Calls that name any operator, with their callers. */
const NAMING = [
  [rpc.getOperator, undefined],
  [rpc.getDomainVerification, undefined],
  [rpc.confirmDomain, undefined],
  [rpc.suspendOperator, 'admin'],
  [rpc.reinstateOperator, 'admin'],
] as const

const unknown = NAMING.flatMap(([method, caller]) =>
  Object.entries(BAD_IDS).map(
    ([name, id]): RefusalCase => ({
      name,
      method,
      reason: 'OPERATOR_NOT_FOUND',
      caller,
      request: (world) => ({ id: id(world) }),
    }),
  ),
)

const confirm: readonly RefusalCase[] = [
  standing('confirmDomain', 'released', 'OPERATOR_RELEASED'),
  standing('confirmDomain', 'suspended', 'OPERATOR_SUSPENDED'),
  {
    name: 'two records of this server',
    method: rpc.confirmDomain,
    reason: 'DOMAIN_CONTESTED',
    request: ({ dns, issuer, operators: { pending } }) => {
      const proof = (id: string) => `v=a4a1; iss=${issuer}; op=${id}; rk=${'A'.repeat(43)}`
      dns.setTxt(`_auth4agents.${pending.domain}`, [proof(pending.id), proof(NOBODY)])
      return { id: pending.id }
    },
  },
]

/** A call about an operator whose status does not allow it. */
function standing(
  method: 'confirmDomain' | 'suspendOperator' | 'reinstateOperator',
  operator: OperatorName,
  reason: ReasonCode,
): RefusalCase {
  return {
    name: `an operator that is ${operator}`,
    method: rpc[method],
    reason,
    caller: method === 'confirmDomain' ? undefined : 'admin',
    audited: method !== 'confirmDomain',
    request: ({ operators }) => ({ id: operators[operator].id }),
  }
}

const administration = (['suspendOperator', 'reinstateOperator'] as const).flatMap((method) => [
  standing(method, 'pending', 'OPERATOR_NOT_ACTIVE'),
  standing(method, 'superseded', 'OPERATOR_NOT_ACTIVE'),
  standing(method, 'released', 'OPERATOR_RELEASED'),
])

const notSuspended = standing('reinstateOperator', 'acme', 'OPERATOR_NOT_SUSPENDED')

const suspendedSelf: readonly RefusalCase[] = [rpc.releaseDomain, rpc.setOperatorPolicy].map((method) => ({
  name: 'a suspended operator as caller',
  method,
  reason: 'OPERATOR_SUSPENDED',
  caller: 'suspended',
  request: ({ operators }) => ({ id: operators.suspended.id }),
}))

const rule = (audience: string, callers: readonly string[] = [], token_signing_alg = '') => ({
  audience,
  callers: [...callers],
  token_signing_alg,
})

const BAD_POLICIES: Readonly<Record<string, readonly [ReasonCode, ...ReturnType<typeof rule>[]]>> = {
  'an audience that is empty': ['INVALID_AUDIENCE', rule('')],
  'an audience under another domain': ['INVALID_AUDIENCE', rule('api.bravo-operator.com')],
  'an audience that ends with the domain but is not under it': ['INVALID_AUDIENCE', rule('evilacme-operator.com')],
  'an audience above the domain': ['INVALID_AUDIENCE', rule('com')],
  'an audience with user information': ['INVALID_AUDIENCE', rule('https://acme-operator.com@evil.com/')],
  'an audience with a fragment': ['INVALID_AUDIENCE', rule('https://acme-operator.com/#x')],
  'an audience of 256 characters': ['INVALID_AUDIENCE', rule(`https://acme-operator.com/${'a'.repeat(230)}`)],
  'an audience twice': ['INVALID_AUDIENCE', rule('acme-operator.com'), rule('acme-operator.com')],
  'an audience in upper case': ['INVALID_AUDIENCE', rule('API.acme-operator.com')],
  '65 audiences': [
    'INVALID_AUDIENCE',
    ...Array.from({ length: 65 }, (_, index) => rule(`a${index}.acme-operator.com`)),
  ],
  'the algorithm none': ['INVALID_ALGORITHM', rule('acme-operator.com', [], 'none')],
  'an algorithm with a shared secret': ['INVALID_ALGORITHM', rule('acme-operator.com', ['*'], 'HS256')],
  'an algorithm in another case': ['INVALID_ALGORITHM', rule('acme-operator.com', ['*'], 'EDDSA')],
  'two rules, one of them with an unknown algorithm': [
    'INVALID_ALGORITHM',
    rule('acme-operator.com', [], 'ES256'),
    rule('api.acme-operator.com', [], 'ES384'),
  ],
  'a caller that is not a domain': ['INVALID_DOMAIN', rule('acme-operator.com', ['192.0.2.1'])],
  'an empty caller': ['INVALID_DOMAIN', rule('acme-operator.com', [''])],
  'a wildcard among other callers': ['INVALID_DOMAIN', rule('acme-operator.com', ['*', 'bravo-operator.com'])],
  '65 callers': [
    'INVALID_DOMAIN',
    rule(
      'acme-operator.com',
      Array.from({ length: 65 }, (_, index) => `c${index}.com`),
    ),
  ],
}

const policy = Object.entries(BAD_POLICIES).map(
  ([name, [reason, ...audiences]]): RefusalCase => ({
    name,
    method: rpc.setOperatorPolicy,
    reason,
    caller: 'acme',
    request: ({ operators }) => ({ id: operators.acme.id, policy: { audiences } }),
  }),
)

const wildcardScope: RefusalCase = {
  name: 'users with a scope that is a wildcard',
  method: rpc.setOperatorPolicy,
  reason: 'INVALID_SCOPE',
  caller: 'acme',
  request: ({ operators }) => ({
    id: operators.acme.id,
    policy: { audiences: [{ ...rule('acme-operator.com'), users: { scopes: [{ name: '*', words: 'All' }] } }] },
  }),
}

const changed: RefusalCase = {
  name: 'the etag of another version of the policy',
  method: rpc.setOperatorPolicy,
  reason: 'POLICY_CHANGED',
  caller: 'acme',
  request: ({ operators }) => ({
    id: operators.acme.id,
    policy: { audiences: [rule('acme-operator.com')], etag: 'b3RoZXI' },
  }),
}

const pages = ['x', '!', 'AAAA', encodeBase64(Buffer.from(NOBODY)).replace(/.$/, '=='), NOBODY].map(
  (token): RefusalCase => ({
    name: `page token ${token}`,
    method: rpc.listAuditRecords,
    reason: 'INVALID_PAGE_TOKEN',
    caller: 'acme',
    request: ({ operators }) => ({ id: operators.acme.id, page_token: token }),
  }),
)

const times = ['since', 'until'].map(
  (field): RefusalCase => ({
    name: `${field} in the year 0`,
    method: rpc.listAuditRecords,
    reason: 'INVALID_ARGUMENT',
    caller: 'acme',
    // The tests build gRPC messages from protobuf JSON, which does not allow this year.
    over: ['rest'],
    request: ({ operators }) => ({ id: operators.acme.id, [field]: '0000-12-31T23:59:59Z' }),
  }),
)

/** Cases about the rules of OperatorRegistryService. */
export const operatorRegistryCases: readonly RefusalCase[] = [
  ...register,
  ...unknown,
  ...confirm,
  ...administration,
  notSuspended,
  ...suspendedSelf,
  ...policy,
  wildcardScope,
  changed,
  ...pages,
  ...times,
]
