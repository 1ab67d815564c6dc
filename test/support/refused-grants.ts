import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
import type { GrantReason } from '@auth4agent/core/delegation/refusal'
import { accessToken } from './access-tokens.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  derivedGrant,
  GRANT_KEY,
  type GrantChange,
  grantsOf,
  holderDid,
  holderKey,
  holderStatement,
  ISSUED,
  idOf,
  replacing,
  rootGrant,
} from './grant-chains.ts'
import { identityKey, p256Key } from './key-events.ts'

/** A row of the table of refusals: its number and reason, a name, and how the chain is made. */
export type RefusedRow<T> = readonly [row: number, reason: GrantReason, name: string, made: T]

/** Changes of grants by their depth. */
export type Changes = Readonly<Record<number, GrantChange>>

const STRANGER = identityKey('a stranger')
const OTHER_ISSUER = 'https://auth.example.org'
const claims = (changed: object): GrantChange => ({ claims: { ...changed } })
const header = (changed: object): GrantChange => ({ header: { ...changed } })
const rewritten = (from: string, to: string): GrantChange => ({ rewrite: replacing(from, to) })
const signedBy = (signer: typeof STRANGER, kid?: string): GrantChange => ({ signer, header: { kid } })
const statement = (changed: Omit<GrantChange, 'statement'> | string): GrantChange => ({ statement: changed })
const bound = (jwk: object): GrantChange => claims({ cnf: { jwk } })

/** Members of headers and claims that are refused everywhere. */
const HEADERS = { jwk: GRANT_KEY.jwk, jku: CHAIN_ISSUER, x5c: ['MII='], crit: ['exp'] }
const RESTRICTIONS = { a4a_once: true, nbf: ISSUED, act: {}, scope: '', aud: [], may_act: {} }
const TWO_DOMAINS = claims({ a4a_to: ['acme.test', 'b.test'] })

/** Changes of grants that make the last grant of a chain refused. */
export const REFUSED_GRANTS: readonly RefusedRow<Changes>[] = [
  [2, 'MALFORMED_GRANT', 'a root with the number 500.0', { 0: rewritten('"max":500', '"max":500.0') }],
  [2, 'MALFORMED_GRANT', 'a child with the number 5e2', { 1: rewritten('"max":500', '"max":5e2') }],
  [2, 'MALFORMED_GRANT', 'a depth of -0', { 0: rewritten('"del_depth":0', '"del_depth":-0') }],
  [2, 'MALFORMED_GRANT', 'two depths', { 1: rewritten('"del_depth":1', '"del_depth":2,"del_depth":1') }],
  [2, 'HOLDER_UNKNOWN', 'two epochs in a statement', { 1: statement(rewritten('"epoch"', '"epoch":[9,9],"epoch"')) }],
  [2, 'HOLDER_UNKNOWN', 'an epoch of 5.0', { 1: statement(rewritten('[5,2]', '[5.0,2]')) }],
  [3, 'MALFORMED_GRANT', 'a root with the typ dpop+jwt', { 0: header({ typ: 'dpop+jwt' }) }],
  [3, 'MALFORMED_GRANT', 'a root without typ', { 0: header({ typ: undefined }) }],
  [3, 'MALFORMED_GRANT', 'a child with the typ at+jwt', { 1: header({ typ: 'at+jwt' }) }],
  [3, 'MALFORMED_GRANT', 'a child without typ', { 1: header({ typ: undefined }) }],
  [3, 'HOLDER_UNKNOWN', 'a statement with the typ aat+jwt', { 1: statement(header({ typ: 'aat+jwt' })) }],
  ...['none', 'HS256', 'EdDSA'].flatMap((alg): typeof REFUSED_GRANTS => [
    [4, 'UNSUPPORTED_ALGORITHM', `a root with the alg ${alg}`, { 0: header({ alg }) }],
    [4, 'UNSUPPORTED_ALGORITHM', `a child with the alg ${alg}`, { 1: header({ alg }) }],
    [4, 'UNSUPPORTED_ALGORITHM', `a statement with the alg ${alg}`, { 1: statement(header({ alg })) }],
  ]),
  ...Object.entries(HEADERS).flatMap(([name, value]): typeof REFUSED_GRANTS => [
    [5, 'MALFORMED_GRANT', `a root with the header ${name}`, { 0: header({ [name]: value }) }],
    [5, 'MALFORMED_GRANT', `a child with the header ${name}`, { 1: header({ [name]: value }) }],
    [5, 'HOLDER_UNKNOWN', `a statement with the header ${name}`, { 1: statement(header({ [name]: value })) }],
  ]),
  ...Object.entries(RESTRICTIONS).flatMap(([name, value]): typeof REFUSED_GRANTS => [
    [6, 'RESTRICTION_UNKNOWN', `a root with ${name}`, { 0: claims({ [name]: value }) }],
    [6, 'RESTRICTION_UNKNOWN', `a child with ${name}`, { 1: claims({ [name]: value }) }],
    [6, 'RESTRICTION_UNKNOWN', `a statement with ${name}`, { 1: statement(claims({ [name]: value })) }],
  ]),
  [5, 'MALFORMED_GRANT', 'a child with kid', { 1: header({ kid: GRANT_KEY.kid }) }],
  [6, 'RESTRICTION_UNKNOWN', 'a root with a4a_holder', { 0: claims({ a4a_holder: holderStatement(holderKey(0)) }) }],
  [7, 'GRANT_REPEATED', 'the jti of the root again', { 2: claims({ jti: 'grant-0' }) }],
  [8, 'ROOT_EXPECTED', 'a root with par_hash', { 0: claims({ par_hash: idOf(rootGrant()) }) }],
  [8, 'ROOT_EXPECTED', 'a root of depth 1', { 0: claims({ del_depth: 1 }) }],
  [8, 'ROOT_EXPECTED', 'a root without kid', { 0: header({ kid: undefined }) }],
  [10, 'WRONG_ISSUER', 'a root of another issuer', { 0: claims({ iss: OTHER_ISSUER }) }],
  [10, 'WRONG_ISSUER', 'an issuer with a slash at the end', { 0: claims({ iss: `${CHAIN_ISSUER}/` }) }],
  [10, 'WRONG_ISSUER', 'a statement of another issuer', { 1: statement(claims({ iss: OTHER_ISSUER })) }],
  [11, 'UNKNOWN_KEY', 'a root by a key for other purposes', { 0: signedBy(STRANGER, STRANGER.kid) }],
  [11, 'UNKNOWN_KEY', 'a statement by such a key', { 1: statement(signedBy(STRANGER, STRANGER.kid)) }],
  [12, 'SIGNATURE_INVALID', 'a root by a stranger who names the right key', { 0: signedBy(STRANGER, GRANT_KEY.kid) }],
  [12, 'NOT_BY_HOLDER', 'a child by a stranger', { 1: signedBy(STRANGER) }],
  [12, 'NOT_BY_HOLDER', 'a child by its own holder', { 1: signedBy(holderKey(1)) }],
  [12, 'NOT_BY_HOLDER', 'a child by the issuer', { 1: signedBy(GRANT_KEY) }],
  [12, 'NOT_BY_HOLDER', 'a grandchild by the holder of the root', { 2: signedBy(holderKey(0)) }],
  [12, 'NOT_BY_HOLDER', 'a child with the iss of its holder', { 1: claims({ iss: thumbprintUri(holderKey(1).kid) }) }],
  [12, 'NOT_BY_HOLDER', 'a child whose iss is a bare thumbprint', { 1: claims({ iss: holderKey(0).kid }) }],
  [13, 'PARENT_MISMATCH', 'a child of another grant', { 2: claims({ par_hash: idOf(rootGrant()) }) }],
  [15, 'DEPTH_OUT_OF_SEQUENCE', 'a depth skipped', { 1: claims({ del_depth: 2 }) }],
  [15, 'DEPTH_OUT_OF_SEQUENCE', 'the depth of the parent', { 2: claims({ del_depth: 1 }) }],
  [16, 'DEPTH_EXCEEDED', "the parent's ceiling passed", { 0: claims({ del_max_depth: 0 }), 1: {} }],
  [16, 'DEPTH_EXCEEDED', 'its own ceiling passed', { 1: claims({ del_max_depth: 0 }) }],
  [17, 'DEPTH_RAISED', 'a ceiling raised', { 1: claims({ del_max_depth: 2 }), 2: claims({ del_max_depth: 3 }) }],
  [
    18,
    'LIFETIME_EXTENDED',
    'a child that outlives its parent',
    { 0: claims({ exp: ISSUED + 99 }), 1: claims({ exp: ISSUED + 100 }) },
  ],
  [19, 'LIFETIME_EXTENDED', 'a child that outlives its statement', { 1: statement(claims({ exp: ISSUED + 3539 })) }],
  [20, 'ISSUED_BEFORE_PARENT', 'a child issued a second before its parent', { 1: claims({ iat: ISSUED - 1 }) }],
  [22, 'LIFETIME_TOO_LONG', 'a root of 3,601 seconds', { 0: claims({ exp: ISSUED + 3601 }) }],
  [22, 'LIFETIME_TOO_LONG', 'a child of 3,601 seconds', { 1: claims({ exp: ISSUED + 60 + 3601 }) }],
  [22, 'LIFETIME_TOO_LONG', 'a statement of 3,601 seconds', { 1: statement(claims({ exp: ISSUED + 3601 })) }],
  [24, 'HOLDER_UNKNOWN', 'a missing statement', { 1: claims({ a4a_holder: undefined }) }],
  [24, 'HOLDER_UNKNOWN', 'a statement that is not a text', { 1: claims({ a4a_holder: {} }) }],
  [24, 'HOLDER_UNKNOWN', 'an empty statement', { 1: statement('') }],
  [24, 'HOLDER_UNKNOWN', 'a statement by the delegator', { 1: statement(signedBy(holderKey(0), GRANT_KEY.kid)) }],
  [24, 'HOLDER_UNKNOWN', 'a statement without kid', { 1: statement(header({ kid: undefined })) }],
  [24, 'HOLDER_UNKNOWN', 'a root in place of the statement', { 1: statement(rootGrant()) }],
  [25, 'HOLDER_KEY_MISMATCH', 'a statement about another agent', { 1: statement(holderStatement(STRANGER)) }],
  [26, 'KEY_NOT_ADMITTED', 'a private key in the root', { 0: bound({ ...holderKey(0).jwk, d: 'A'.repeat(43) }) }],
  [26, 'KEY_NOT_ADMITTED', 'a private key in a child', { 1: bound({ ...holderKey(1).jwk, d: 'A'.repeat(43) }) }],
  [26, 'KEY_NOT_ADMITTED', 'a P-256 key', { 1: bound(p256Key('holder').jwk) }],
  [27, 'HOLDER_NOT_ALLOWED', 'a holder of another domain', { 1: statement(ofDomain('acme.example')) }],
  [27, 'HOLDER_NOT_ALLOWED', 'a holder of a subdomain', { 1: statement(ofDomain('x.acme.test')) }],
  [27, 'HOLDER_NOT_ALLOWED', 'a domain taken out above', { 0: TWO_DOMAINS, 1: claims({ a4a_to: ['b.test'] }), 2: {} }],
  [28, 'HOLDERS_WIDENED', 'one domain more', { 1: TWO_DOMAINS }],
  [28, 'HOLDERS_WIDENED', 'a domain back', { 0: TWO_DOMAINS, 1: claims({ a4a_to: ['acme.test'] }), 2: TWO_DOMAINS }],
]

function ofDomain(domain: string): GrantChange {
  return claims({ sub: holderDid(holderKey(1), domain) })
}

/** Returns a chain whose first holder derives a grant for itself, and from that grant one for the next holder. */
export function ownGrants(): readonly string[] {
  const root = rootGrant()
  const ownStatement = holderStatement(holderKey(0))
  const own = derivedGrant(root, 1, { ...bound(holderKey(0).jwk), statement: ownStatement })
  return [root, own, derivedGrant(own, 2, { signer: holderKey(0), claims: { iss: thumbprintUri(holderKey(0).kid) } })]
}

/** Chains put together from genuine grants, or from other texts. */
export const REFUSED_TEXTS: readonly RefusedRow<readonly [hop: number | undefined, text: string]>[] = [
  [1, 'CHAIN_TOO_LARGE', 'ten grants', [undefined, 'a~'.repeat(9)]],
  [1, 'CHAIN_TOO_LARGE', '16,385 bytes', [undefined, 'a'.repeat(16_385)]],
  [1, 'MALFORMED_GRANT', 'a grant of more than 4,096 bytes', [0, rootGrant(claims({ note: 'x'.repeat(3_000) }))]],
  [2, 'MALFORMED_GRANT', 'nothing', [0, '']],
  [2, 'MALFORMED_GRANT', 'a separator at the beginning', [0, `~${rootGrant()}`]],
  [2, 'MALFORMED_GRANT', 'a separator at the end', [1, `${rootGrant()}~`]],
  [2, 'MALFORMED_GRANT', 'padding', [1, `${chainOf(1)}=`]],
  [8, 'ROOT_EXPECTED', 'a derived grant alone', [0, grantsOf(1)[1] ?? '']],
  [8, 'MALFORMED_GRANT', 'a second root', [1, [rootGrant(), rootGrant({ claims: { jti: 'x' } })].join('~')]],
  [9, 'ROOT_EXPECTED', 'an access token', [0, accessToken(STRANGER.pair)]],
  [12, 'NOT_BY_HOLDER', 'a damaged signature', [1, chainOf(1).replace(/.{20}$/, 'A'.repeat(20))]],
  [
    13,
    'PARENT_MISMATCH',
    'a child under a re-issued root',
    [1, [rootGrant(claims({ epoch: [4, 2] })), grantsOf(1)[1]].join('~')],
  ],
  [13, 'PARENT_MISMATCH', 'an own grant left out', [1, ownGrants().toSpliced(1, 1).join('~')]],
  [14, 'NOT_BY_HOLDER', 'the first hop left out', [1, grantsOf(3).toSpliced(1, 1).join('~')]],
  [14, 'NOT_BY_HOLDER', 'a middle hop left out', [2, grantsOf(3).toSpliced(2, 1).join('~')]],
  [14, 'NOT_BY_HOLDER', 'two hops exchanged', [1, [0, 2, 1].map((at) => grantsOf(2)[at]).join('~')]],
  [14, 'NOT_BY_HOLDER', 'a hop twice', [2, [0, 1, 1].map((at) => grantsOf(1)[at]).join('~')]],
]
