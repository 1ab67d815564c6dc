import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { accessToken } from '../access-tokens.ts'
import {
  chainOf,
  details,
  type GrantChange,
  grantsOf,
  holderDid,
  holderKey,
  holderStatement,
  ISSUED,
  PAY,
  READ,
  replacing,
  rootGrant,
} from '../grant-chains.ts'
import { identityKey } from '../key-events.ts'
import { maps, oneOf, range, tools } from '../refused-capabilities.ts'
import { CHAIN_TIME_MS } from './chain-server.ts'

/** A refused chain or call: the number of its refusal, its name, and what the command line must have. */
export interface ExplainCase {
  readonly row: number
  readonly name: string
  readonly chain: string
  readonly flags?: readonly string[]
}

const STRANGER = identityKey('a stranger')
const claims = (changed: object): GrantChange => ({ claims: { ...changed } })
const statement = (changed: object): GrantChange => ({ statement: { claims: { ...changed } } })
const one = (changed: GrantChange) => chainOf(1, { 1: changed })
const ofRoot = (changed: GrantChange) => chainOf(1, { 0: changed })
const pair = (parent: object, child: object) => chainOf(1, maps({ amount: parent }, { amount: child }))
const typed = (constraint_type: string, members: object = {}) => ({ constraint_type, ...members })

/** The chain of all calls here: its second grant limits an amount and a path. */
const FILES = chainOf(1, {
  0: tools({ [PAY]: { amount: range({ max: 500 }), file: typed('prefix', { prefix: '/data/' }) } }),
  1: tools({ [PAY]: { amount: range({ max: 100 }), file: typed('prefix', { prefix: '/data/a/' }) } }),
})
const URL = 'https://pay.acme.test/pay'
const call = (args?: object) => [
  '--capability',
  PAY,
  ...(args === undefined ? [] : ['--arguments', JSON.stringify(args)]),
]
const request = (proof?: string) => [
  '--method',
  'POST',
  '--url',
  URL,
  ...(proof === undefined ? [] : ['--dpop-proof', proof]),
]

/** Signs a proof for a request with {@link FILES}, with changes. */
export function filesProof(changed: object = {}, holder = 1): Promise<string> {
  const right = { method: 'POST', url: URL, nowS: CHAIN_TIME_MS / 1000, accessToken: FILES }
  return signDpopProof(holderKey(holder), { ...right, ...changed })
}

/** A request with a chain that nothing refuses. */
export const ACCEPTED = {
  chain: FILES,
  flags: async () => [...call({ amount: 1, file: '/data/a/x' }), ...request(await filesProof())],
}

const SMALL_ORDER = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') }

/** Every refusal by its number. */
export const EXPLAIN_CASES: readonly ExplainCase[] = [
  { row: 1, name: 'ten grants', chain: 'a~'.repeat(9) },
  { row: 1, name: '16,385 bytes', chain: 'a'.repeat(16_385) },
  { row: 2, name: 'a signature with padding', chain: `${chainOf(1)}=` },
  { row: 2, name: 'the number 5e2', chain: one({ rewrite: replacing('"max":500', '"max":5e2') }) },
  { row: 2, name: 'two depths', chain: one({ rewrite: replacing('"del_depth":1', '"del_depth":2,"del_depth":1') }) },
  { row: 3, name: 'the typ of an access token', chain: one({ header: { typ: 'at+jwt' } }) },
  { row: 3, name: 'the typ of a proof', chain: one({ header: { typ: 'dpop+jwt' } }) },
  { row: 3, name: 'no typ', chain: ofRoot({ header: { typ: undefined } }) },
  { row: 4, name: 'the alg none', chain: one({ header: { alg: 'none' } }) },
  { row: 4, name: 'the alg EdDSA', chain: ofRoot({ header: { alg: 'EdDSA' } }) },
  { row: 5, name: 'a key in the header', chain: one({ header: { jwk: STRANGER.jwk } }) },
  { row: 5, name: 'crit in the header', chain: one({ header: { crit: ['exp'] } }) },
  { row: 6, name: 'an unknown restriction', chain: one(claims({ a4a_once: true })) },
  { row: 6, name: 'nbf', chain: one(claims({ nbf: ISSUED })) },
  { row: 7, name: 'a jti twice', chain: one(claims({ jti: 'grant-0' })) },
  { row: 8, name: 'a derived grant first', chain: grantsOf(1)[1] ?? '' },
  { row: 8, name: 'a root with par_hash', chain: ofRoot(claims({ par_hash: 'A'.repeat(43) })) },
  { row: 9, name: 'an access token first', chain: accessToken(STRANGER.pair) },
  { row: 10, name: 'a root of another issuer', chain: ofRoot(claims({ iss: 'https://auth.example.org' })) },
  { row: 10, name: 'a statement of another issuer', chain: one(statement({ iss: 'https://auth.example.org' })) },
  { row: 11, name: 'a key that is not published', chain: ofRoot({ signer: STRANGER, header: { kid: STRANGER.kid } }) },
  { row: 12, name: 'a root by a stranger', chain: ofRoot({ signer: STRANGER }) },
  { row: 12, name: 'a child by its own holder', chain: one({ signer: holderKey(1) }) },
  { row: 12, name: 'a child that names another signer', chain: one(claims({ iss: 'urn:other' })) },
  { row: 13, name: 'a child of another root', chain: [rootGrant(claims({ jti: 'x' })), grantsOf(1)[1]].join('~') },
  { row: 14, name: 'a hop left out', chain: grantsOf(2).toSpliced(1, 1).join('~') },
  { row: 14, name: 'two hops exchanged', chain: [0, 2, 1].map((at) => grantsOf(2)[at]).join('~') },
  { row: 15, name: 'a depth skipped', chain: one(claims({ del_depth: 2 })) },
  { row: 16, name: "the parent's ceiling passed", chain: ofRoot(claims({ del_max_depth: 0 })) },
  {
    row: 17,
    name: 'a ceiling raised',
    chain: chainOf(1, { 0: claims({ del_max_depth: 2 }), 1: claims({ del_max_depth: 3 }) }),
  },
  { row: 18, name: 'a child that outlives its parent', chain: ofRoot(claims({ exp: ISSUED + 900 })) },
  { row: 19, name: 'a child that outlives its statement', chain: one(statement({ exp: ISSUED + 3539 })) },
  { row: 20, name: 'a child issued before its parent', chain: one(claims({ iat: ISSUED - 1 })) },
  { row: 21, name: 'a grant of the future', chain: one(claims({ iat: ISSUED + 700 })) },
  { row: 22, name: '3,601 seconds', chain: ofRoot(claims({ exp: ISSUED + 3601 })) },
  {
    row: 23,
    name: 'an expired grant in the middle',
    chain: chainOf(2, { 1: claims({ exp: ISSUED + 500 }), 2: claims({ exp: ISSUED + 400 }) }),
  },
  { row: 24, name: 'no statement', chain: one(claims({ a4a_holder: undefined })) },
  { row: 24, name: 'a statement by the delegator', chain: one({ statement: { signer: holderKey(0) } }) },
  { row: 25, name: 'a statement about another key', chain: one({ statement: holderStatement(STRANGER) }) },
  { row: 26, name: 'a private key', chain: one(claims({ cnf: { jwk: { ...holderKey(1).jwk, d: 'secret' } } })) },
  { row: 26, name: 'a key of small order', chain: ofRoot(claims({ cnf: { jwk: SMALL_ORDER } })) },
  { row: 27, name: 'a holder of another domain', chain: one(statement({ sub: holderDid(holderKey(1), 'b.test') })) },
  { row: 28, name: 'a domain more', chain: one(claims({ a4a_to: ['acme.test', 'b.test'] })) },
  { row: 29, name: 'a scope more', chain: one(tools({ 'https://pay.acme.test#refund': {} })) },
  { row: 29, name: 'the same scope elsewhere', chain: one(tools({ 'https://api.acme.test#pay': {} })) },
  { row: 30, name: 'an argument dropped', chain: chainOf(1, maps({ a: oneOf(1), b: oneOf(2) }, { a: oneOf(1) })) },
  { row: 30, name: 'a required argument made optional', chain: pair(oneOf(1), { ...oneOf(1), optional: true }) },
  { row: 31, name: 'a new argument', chain: chainOf(1, maps({ a: oneOf(1) }, { a: oneOf(1), b: oneOf(2) })) },
  {
    row: 31,
    name: '* under a closed list',
    chain: chainOf(1, maps({ a: oneOf(1) }, { a: oneOf(1), '*': typed('wildcard') })),
  },
  { row: 32, name: '500 to 501', chain: pair(range({ max: 500 }), range({ max: 501 })) },
  { row: 32, name: 'a bound removed', chain: pair(range({ min: 1, max: 500 }), range({ max: 500 })) },
  { row: 32, name: 'exclusive to inclusive', chain: pair(range({ max: 5, max_inclusive: false }), range({ max: 5 })) },
  { row: 33, name: 'a value added', chain: pair(oneOf('EUR'), oneOf('EUR', 'USD')) },
  {
    row: 33,
    name: 'an exclusion removed',
    chain: pair(typed('not_one_of', { excluded: ['prod', 'test'] }), typed('not_one_of', { excluded: ['prod'] })),
  },
  {
    row: 34,
    name: 'an unlisted pair of types',
    chain: pair(typed('not_one_of', { excluded: ['prod'] }), oneOf('dev')),
  },
  { row: 35, name: 'an unknown type', chain: one(tools({ [READ]: { id: typed('regex', { pattern: '.*' }) } })) },
  { row: 36, name: 'an empty composite', chain: one(tools({ [READ]: { id: typed('any', { constraints: [] }) } })) },
  { row: 36, name: 'min above max', chain: one(tools({ [READ]: { id: range({ min: 2, max: 1 }) } })) },
  { row: 36, name: 'an extra member', chain: one(tools({ [READ]: { id: range({ max: 1, step: 1 }) } })) },
  {
    row: 37,
    name: 'a second entry',
    chain: one(claims({ authorization_details: [details({}), { type: 'other' }].flat() })),
  },
  {
    row: 38,
    name: '/data/../x under the prefix /data/',
    chain: FILES,
    flags: call({ amount: 1, file: '/data/a/../x' }),
  },
  { row: 38, name: 'an amount beyond the limit', chain: FILES, flags: call({ amount: 101, file: '/data/a/x' }) },
  { row: 39, name: 'arguments that are not known', chain: FILES, flags: call() },
  { row: 40, name: 'no proof', chain: FILES, flags: request() },
  { row: 40, name: "a middle holder's key", chain: FILES, flags: request(await filesProof({}, 0)) },
  { row: 40, name: 'the key of a stranger', chain: FILES, flags: request(await filesProof({}, 7)) },
  {
    row: 41,
    name: 'a proof for another chain',
    chain: FILES,
    flags: request(await filesProof({ accessToken: chainOf(1) })),
  },
  { row: 41, name: 'a proof for another method', chain: FILES, flags: request(await filesProof({ method: 'GET' })) },
  { row: 41, name: 'a proof for another URL', chain: FILES, flags: request(await filesProof({ url: `${URL}/x` })) },
  {
    row: 41,
    name: 'a proof of two minutes ago',
    chain: FILES,
    flags: request(await filesProof({ nowS: CHAIN_TIME_MS / 1000 - 120 })),
  },
]
