import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type KeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { mapScopes } from '@auth4agent/core/trust/scope-map'
import { TRUST_STATEMENT_TYPE } from '@auth4agent/core/trust/statement'
import { describeStatement } from '../../../../clients/cli/src/describe-statement.ts'
import { edgeId } from '../../../../services/trust/statements/domain/edge-id.ts'
import { subjectId } from '../../../../services/trust/statements/domain/subject-id.ts'
import { verifyTrustStatement } from '../../../../services/trust/statements/domain/verify-statement.ts'
import { compact, type Edits, type Part, shown } from './jws.ts'
import {
  AUDIENCE,
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

const DAY_S = 86_400
const FOREIGN = 'https://auth.example.org'
const jwk = (key: KeyPair) => ({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey) })
const HEADER = { alg: 'EdDSA', typ: TRUST_STATEMENT_TYPE, kid: thumbprint(ROOT_KEY.publicKey), jwk: jwk(ROOT_KEY) }
const GRANTS = [{ audience: AUDIENCE, scopes: { 'orders:read': ['read'], 'orders:all': ['read', 'write'] } }]
const CLAIMS = {
  iss: OPERATOR_ID,
  home: ISSUER,
  domain: DOMAIN,
  sub: OTHER_OPERATOR_ID,
  sub_home: FOREIGN,
  sub_domain: OTHER_DOMAIN,
  aud: [ISSUER],
  kind: 'lets-call',
  grants: GRANTS,
  visibility: 'parties',
  jti: '0190aaaa-0000-7000-8000-000000000001',
  version: 1,
  iat: NOW_S,
  nbf: NOW_S,
  exp: NOW_S + 90 * DAY_S,
}

interface Changes {
  readonly header?: Edits
  readonly claims?: Edits
  readonly key?: KeyPair
  readonly payload?: Part
}

/** Makes trust statements that are read, refused ones, and scopes that go through a grant. */
export async function makeTrustStatements(): Promise<object> {
  return {
    description: describe(
      'Trust statements. `accepted`: what a statement means, and the ids of its edge and its subject.',
      '`refused`: the first rule that a statement breaks. `scopes`: the scopes of a token, mapped through a grant.',
      '`changed` shows how a statement differs from the good one. A member that is null there is left out.',
      'No case shows that the thumbprint must be of a root key of `iss`: this takes its DNS record.',
    ),
    good: { header: HEADER, claims: CLAIMS },
    accepted: await Promise.all(ACCEPTED.map(([name, changes]) => accepted(name, changes))),
    refused: await Promise.all(REFUSED.map(([name, changes]) => refused(name, changes))),
    scopes: SCOPES.map(([name, scopes]) => {
      const grant = GRANTS[0] ?? { scopes: {} }
      return { name, grant, scopes, expect: mapScopes(grant, scopes) ?? { refused: 'a scope is not mapped' } }
    }),
  }
}

const claims = (edits: Edits): Changes => ({ claims: edits })
const header = (edits: Edits): Changes => ({ header: edits })
const grant = (edits: Edits): Changes => claims({ grants: [{ ...GRANTS[0], ...edits }] })
const NO_GRANTS = { grants: undefined }
const TO_ISSUER = { kind: 'chains-to', sub: undefined, sub_domain: undefined }

const ACCEPTED: readonly (readonly [string, Changes])[] = [
  ['lets-call', {}],
  ['alg Ed25519', header({ alg: 'Ed25519' })],
  ['accepts-members-of with depth 1', claims({ kind: 'accepts-members-of', depth: 1 })],
  ['accepts-members-of with depth 2', claims({ kind: 'accepts-members-of', depth: 2 })],
  ['member', claims({ kind: 'member', ...NO_GRANTS, aud: [ISSUER, FOREIGN], visibility: 'public' })],
  ['blocks', claims({ kind: 'blocks', ...NO_GRANTS })],
  ['chains-to with an audience', claims(TO_ISSUER)],
  ['chains-to without an audience', claims({ ...TO_ISSUER, grants: [{ scopes: { read: ['read'] } }] })],
  ['a subject whose issuer ends with a slash', claims({ sub_home: `${FOREIGN}/` })],
  ['the longest lifetime', claims({ exp: NOW_S + 366 * DAY_S })],
  ['the largest version', claims({ version: 2 ** 31 - 1 })],
  ['a scope with the name of a member that JavaScript objects inherit', grant({ scopes: { toString: ['read'] } })],
]

const REFUSED: readonly (readonly [string, Changes])[] = [
  ['the signature of another key', { key: OTHER_ROOT_KEY }],
  ['the kid of another key', header({ kid: thumbprint(OTHER_ROOT_KEY.publicKey) })],
  ['no jwk', header({ jwk: undefined })],
  ['a jwk with another member', header({ jwk: { ...HEADER.jwk, use: 'sig' } })],
  ['a jwk of small order', header({ jwk: { ...HEADER.jwk, x: 'A'.repeat(43) }, kid: thumbprint(new Uint8Array(32)) })],
  ['typ of a manifest', header({ typ: 'auth4agent-operator-keys+jwt' })],
  ['alg ES256', header({ alg: 'ES256' })],
  ['crit', header({ crit: ['exp'] })],
  ['jku', header({ jku: `${ISSUER}/jwks.json` })],
  ['x5u', header({ x5u: `${ISSUER}/chain.pem` })],
  ['x5c', header({ x5c: [] })],
  ['another member in the header', header({ cty: 'json' })],
  ['a member twice', { payload: JSON.stringify(CLAIMS).replace('{', '{"version":2,') }],
  ['a number that is not written as ECMAScript writes it', { payload: JSON.stringify(CLAIMS).replace(':1,', ':1.0,') }],
  ['an unknown member', claims({ note: 'new' })],
  ['a kind that does not exist', claims({ kind: 'trusts' })],
  ['* as subject', claims({ sub: '*' })],
  ['the signer as subject', claims({ sub: OPERATOR_ID })],
  ['sub in chains-to', claims({ ...TO_ISSUER, sub: OTHER_OPERATOR_ID })],
  ['chains-to the own home', claims({ ...TO_ISSUER, sub_home: ISSUER })],
  ['home with a slash at the end', claims({ home: `${ISSUER}/` })],
  ['home with the default port', claims({ home: `${ISSUER}:443` })],
  ['sub_home in upper case', claims({ sub_home: 'https://Auth.example.org' })],
  ['sub_domain in U-labels', claims({ sub_domain: 'bücher.example.org' })],
  ['no aud', claims({ aud: undefined })],
  ['nine entries in aud', claims({ aud: Array.from({ length: 9 }, (_, at) => `${ISSUER}/${at}`) })],
  ['no depth in accepts-members-of', claims({ kind: 'accepts-members-of' })],
  ['depth 3', claims({ kind: 'accepts-members-of', depth: 3 })],
  ['depth in lets-call', claims({ depth: 1 })],
  ['grants in blocks', claims({ kind: 'blocks' })],
  ['no grants in lets-call', claims(NO_GRANTS)],
  [
    'nine grants',
    claims({ grants: Array.from({ length: 9 }, (_, at) => ({ ...GRANTS[0], audience: `${AUDIENCE}/${at}` })) }),
  ],
  ['one audience in two grants', claims({ grants: [...GRANTS, ...GRANTS] })],
  ['the audience *', grant({ audience: '*' })],
  ['an audience with *', grant({ audience: `${AUDIENCE}/*` })],
  ['an audience of another domain', grant({ audience: `https://api.${OTHER_DOMAIN}` })],
  ['a domain that only ends like the domain of the signer', grant({ audience: `https://not${DOMAIN}` })],
  ['an empty map of scopes', grant({ scopes: {} })],
  ['the scope * of a token', grant({ scopes: { '*': ['read'] } })],
  ['the scope * at the audience', grant({ scopes: { read: ['*'] } })],
  ['an empty list of scopes', grant({ scopes: { read: [] } })],
  ['a scope twice in a list', grant({ scopes: { read: ['read', 'read'] } })],
  ['65 scopes', grant({ scopes: { read: Array.from({ length: 65 }, (_, at) => `s${at}`) } })],
  ['another visibility', claims({ visibility: 'private' })],
  ['a jti that is no UUID', claims({ jti: '1' })],
  ['version 0', claims({ version: 0 })],
  ['version beyond 31 bits', claims({ version: 2 ** 31 })],
  ['no exp', claims({ exp: undefined })],
  ['nbf before iat', claims({ nbf: NOW_S - 1 })],
  ['exp equal to nbf', claims({ exp: NOW_S })],
  ['exp more than 366 days after iat', claims({ exp: NOW_S + 366 * DAY_S + 1 })],
  ['more than 8 KiB', claims({ note: 'x'.repeat(8_192) })],
]

const SCOPES: readonly (readonly [string, readonly string[]])[] = [
  ['a mapped scope', ['orders:read']],
  ['two mapped scopes, whose values are joined', ['orders:all', 'orders:read']],
  ['no scope', []],
  ['a scope that is not mapped', ['orders:write']],
  ['a mapped scope beside one that is not', ['orders:read', 'orders:write']],
  ['a scope of the audience', ['read']],
]

function signed({ header: edits = {}, claims: changed = {}, key = ROOT_KEY, payload }: Changes): Promise<string> {
  const content = payload ?? { ...CLAIMS, ...changed }
  return compact({ ...HEADER, ...edits }, content, (signingInput) => sign(key.privateKey, signingInput))
}

function difference({ header: edits, claims: changed }: Changes): object {
  const parts = { ...(edits && { header: shown(edits) }), ...(changed && { claims: shown(changed) }) }
  return Object.keys(parts).length > 0 ? { changed: parts } : {}
}

async function accepted(name: string, changes: Changes): Promise<object> {
  const statement = await signed(changes)
  const verified = verifyTrustStatement(statement)
  if (!verified.ok) throw new TypeError(`${name}: ${verified.text}`)
  const expect = {
    edge_id: edgeId(verified.statement),
    subject_id: subjectId(verified.statement),
    thumbprint: verified.thumbprint,
    means: describeStatement(verified.statement),
  }
  return { name, ...difference(changes), statement, expect }
}

async function refused(name: string, changes: Changes): Promise<object> {
  const statement = await signed(changes)
  const verified = verifyTrustStatement(statement)
  if (verified.ok) throw new TypeError(`${name}: the statement is accepted`)
  return { name, ...difference(changes), statement, expect: { refused: verified.rule } }
}
