import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { IssuerService } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

const {
  addIssuer,
  disableIssuer,
  enableIssuer,
  readmitIssuerKey,
  putIssuerSubject,
  listIssuerSubjects,
  removeIssuerSubject,
} = IssuerService.method

function add(name: string, reason: ReasonCode, edits: (world: World) => JsonObject): RefusalCase {
  const request = (world: World) => ({ ...validRequests['IssuerService.AddIssuer']?.(world), ...edits(world) })
  return { name, method: addIssuer, reason, caller: 'admin', request }
}

/** An issuer of another deployment. */
const DEPLOYMENT = { kind: 'auth4agent', algorithms: [], domain: '' }
const LOG = { ...DEPLOYMENT, revocation_mode: 'log', acts_as: NOBODY }
const INTROSPECTION = {
  revocation_mode: 'introspection',
  acts_as: 'client',
  secret: 'secret',
  introspection_uri: 'https://idp.bravo-operator.com/introspect',
}

/** Texts that are no issuer in its canonical form, or none that may be admitted. */
const ISSUERS: Readonly<Record<string, string>> = {
  'with http': 'http://idp.bravo-operator.com',
  'with a capital letter': 'https://IDP.bravo-operator.com',
  'with its default port': 'https://idp.bravo-operator.com:443',
  'with a user': 'https://user@idp.bravo-operator.com',
  'with a query': 'https://idp.bravo-operator.com/?x=1',
  'with a fragment': 'https://idp.bravo-operator.com/#x',
  'with a path that a parser shortens': 'https://idp.bravo-operator.com/a/../b',
  'with letters that are not ASCII': 'https://bücher.com',
  'with an address': 'https://192.0.2.1',
  'on loopback, which only a server with test domains accepts': 'http://localhost:8081',
  'under .test, which only a server with test domains accepts': 'http://beta.test',
}

const additions: readonly RefusalCase[] = [
  ...Object.entries(ISSUERS).map(([name, issuer]) => add(`an issuer ${name}`, 'INVALID_ISSUER', () => ({ issuer }))),
  add('the issuer of the deployment itself', 'INVALID_ISSUER', ({ issuer }) => ({ issuer })),
  add('another issuer on the origin of the deployment', 'INVALID_ISSUER', ({ issuer }) => ({ issuer: `${issuer}/b` })),
  add('a deployment with a slash at its end', 'INVALID_ISSUER', () => ({
    ...DEPLOYMENT,
    issuer: 'https://auth.bravo-operator.com/',
  })),
  add('a candidate that is not there', 'TRUST_CHAIN_NOT_FOUND', ({ issuers }) => ({ anchor: issuers.anchor })),
  add('an issuer that is admitted', 'ISSUER_EXISTS', ({ issuers: { enabled } }) => ({ issuer: enabled.issuer })),
  add('an issuer that is disabled', 'ISSUER_EXISTS', ({ issuers: { disabled } }) => ({ issuer: disabled.issuer })),
  add('no algorithm for the kind oauth', 'INVALID_ALGORITHM', () => ({ algorithms: [] })),
  add('the algorithm none', 'INVALID_ALGORITHM', () => ({ algorithms: ['ES256', 'none'] })),
  add('an algorithm twice', 'INVALID_ALGORITHM', () => ({ algorithms: ['ES256', 'ES256'] })),
  add('no domain for the kind oauth', 'INVALID_DOMAIN', () => ({ domain: '' })),
  add('a public suffix as domain', 'INVALID_DOMAIN', () => ({ domain: 'com' })),
  add('a domain for the kind auth4agent', 'INVALID_ARGUMENT', () => ({ ...DEPLOYMENT, domain: 'bravo-operator.com' })),
  add('another token type for the kind auth4agent', 'INVALID_ARGUMENT', () => ({ ...DEPLOYMENT, token_type: 'JWT' })),
  add('the mode log for the kind oauth', 'INVALID_ARGUMENT', () => ({ ...LOG, kind: 'oauth' })),
  add('the mode introspection for the kind auth4agent', 'INVALID_ARGUMENT', () => ({
    ...INTROSPECTION,
    ...DEPLOYMENT,
  })),
  add('an identity with the mode none', 'INVALID_ARGUMENT', () => ({ acts_as: 'client' })),
  add('a lifetime of 301 seconds with the mode none', 'INVALID_ARGUMENT', () => ({ max_token_ttl: 301 })),
  add('a domain as operator id', 'INVALID_ARGUMENT', () => ({ ...LOG, acts_as: 'bravo-operator.com' })),
  add('no private key with the mode log', 'INVALID_SIGNING_KEY', () => ({ ...LOG, secret: '' })),
  add('a PEM with the mode log', 'INVALID_SIGNING_KEY', ({ keys }) => ({ ...LOG, secret: keys.active.pem })),
  add('a public key with the mode log', 'INVALID_SIGNING_KEY', ({ admin }) => ({
    ...LOG,
    secret: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(admin.pair.publicKey).toString('base64url') }),
  })),
  add('no introspection endpoint', 'INVALID_ARGUMENT', () => ({ ...INTROSPECTION, introspection_uri: '' })),
  add('an introspection endpoint of the deployment itself', 'INVALID_ARGUMENT', ({ issuer }) => ({
    ...INTROSPECTION,
    introspection_uri: `${issuer}/oauth/introspect`,
  })),
  add('no client secret', 'INVALID_ARGUMENT', () => ({ ...INTROSPECTION, secret: '' })),
  add('an introspection endpoint with the mode none', 'INVALID_ARGUMENT', () => ({
    introspection_uri: INTROSPECTION.introspection_uri,
  })),
  add('a place of status lists with the mode none', 'INVALID_ARGUMENT', () => ({ status_list_uri: 'https://a.com/' })),
  add('a place of status lists of another deployment', 'INVALID_ARGUMENT', () => ({
    ...DEPLOYMENT,
    revocation_mode: 'status_list',
    status_list_uri: 'https://idp.bravo-operator.com/lists/',
  })),
  add('a place of status lists of the deployment itself', 'INVALID_ARGUMENT', ({ issuer }) => ({
    revocation_mode: 'status_list',
    status_list_uri: `${issuer}/v1/status-lists/`,
  })),
  add('a secret with the mode status_list', 'INVALID_ARGUMENT', () => ({
    revocation_mode: 'status_list',
    secret: 'secret',
  })),
  add('a JWKS of the deployment itself', 'INVALID_ARGUMENT', ({ issuer }) => ({ jwks_uri: `${issuer}/jwks` })),
]

const unknown: readonly RefusalCase[] = [
  disableIssuer,
  enableIssuer,
  readmitIssuerKey,
  putIssuerSubject,
  listIssuerSubjects,
  removeIssuerSubject,
].flatMap((method) =>
  [NOBODY, randomUUID().toUpperCase(), 'https://idp.bravo-operator.com'].map((id) => ({
    name: `the id ${id === NOBODY ? 'of no issuer' : 'that is no id'}`,
    method,
    reason: 'ISSUER_NOT_FOUND',
    caller: 'admin',
    request: (world) => ({ ...validRequests[`IssuerService.${method.name}`]?.(world), id }),
  })),
)

const keys: readonly RefusalCase[] = [
  {
    name: 'a key that the issuer has never published',
    method: readmitIssuerKey,
    reason: 'KEY_NOT_FOUND',
    caller: 'admin',
    request: ({ issuers: { enabled } }) => ({ id: enabled.id, kid: 'a' }),
  },
  {
    name: 'a key of another issuer',
    method: readmitIssuerKey,
    reason: 'KEY_NOT_FOUND',
    caller: 'admin',
    request: ({ issuers: { enabled, disabled } }) => ({ id: enabled.id, kid: disabled.withdrawn }),
  },
]

function put(name: string, reason: ReasonCode, edits: (world: World) => JsonObject): RefusalCase {
  const request = (world: World) => ({ ...validRequests['IssuerService.PutIssuerSubject']?.(world), ...edits(world) })
  return { name, method: putIssuerSubject, reason, caller: 'admin', request }
}

const subjects: readonly RefusalCase[] = [
  put('a rule about subjects of another deployment', 'INVALID_ARGUMENT', ({ issuers }) => ({ id: issuers.enabled.id })),
  put('a rule for the deployment itself', 'INVALID_AUDIENCE', ({ issuer }) => ({ audience: [issuer] })),
  put('a rule for an operator that does not exist', 'OPERATOR_NOT_FOUND', () => ({ operator_id: NOBODY })),
  put('a rule that names an agent as the user', 'INVALID_ARGUMENT', ({ agents }) => ({ user: agents.active.did })),
  {
    name: 'the removal of a rule that does not exist',
    method: removeIssuerSubject,
    reason: 'SUBJECT_NOT_FOUND',
    caller: 'admin',
    request: ({ issuers: { provider } }) => ({ id: provider.id, rule: NOBODY }),
  },
  {
    name: 'the removal of a rule of another issuer',
    method: removeIssuerSubject,
    reason: 'SUBJECT_NOT_FOUND',
    caller: 'admin',
    request: ({ issuers: { provider, enabled } }) => ({ id: enabled.id, rule: provider.rule }),
  },
]

/** Cases about a deployment with as many issuers as it may have. */
export const fullCases: readonly RefusalCase[] = [
  add('a further issuer when there are 64', 'TOO_MANY_ISSUERS', () => ({})),
]

/** Cases about an identity provider with as many rules as it may have. */
export const fullSubjectCases: readonly RefusalCase[] = [
  put('a further rule when there are 10,000', 'TOO_MANY_SUBJECTS', () => ({ sub: 'one more' })),
]

/** Cases about the rules of IssuerService. */
export const issuerCases: readonly RefusalCase[] = [...additions, ...unknown, ...keys, ...subjects]
