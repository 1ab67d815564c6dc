import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installPyJwt, PYTHON } from '../../support/python.ts'
import {
  type Forgery,
  type IssuerForgery,
  jwkOf,
  PAY,
  type Party,
  readJwt,
  type SdkChain,
  sdkChain,
  signAgain,
  startIssuer,
  upTo,
} from './sdk-chain.ts'
import { blocks, startTour, type Tour } from './tour.ts'

const REFUND = 'https://pay.acme.test#refund'

let tour: Tour
let server: string
let program: string
let made: SdkChain

beforeAll(async () => {
  await installPyJwt()
  tour = await startTour()
  server = tour.adapt('http://localhost:8080')
  program = join(tour.folder, 'check_chain.py')
  const [text = ''] = await blocks('docs/delegation.md', 'python')
  await writeFile(program, text)
  made = await sdkChain(server)
})
afterAll(() => tour?.stop())

const CALL = { capability: PAY, args: { amount: 100 } as object, issuer: '' }

/** Runs the program of the page. Returns what it prints, or why it refuses. */
async function check(grants: readonly string[], call: Partial<typeof CALL> = {}): Promise<string> {
  const { capability, args, issuer } = { ...CALL, issuer: server, ...call }
  const file = join(tour.folder, 'chain.txt')
  await writeFile(file, `${grants.join('~')}\n`)
  return new Promise((resolve) => {
    execFile(PYTHON, [program, issuer, file, capability, JSON.stringify(args)], (error, stdout, stderr) =>
      resolve((error === null ? stdout : stderr).trim()),
    )
  })
}

/** Returns the chain whose second grant its signer has changed. */
async function second(change: Forgery): Promise<readonly string[]> {
  return [made.root, await signAgain(made.second, { signer: made.a.key, ...change })]
}

const claims = (changed: object) => second({ claims: changed })
const claimsOf = (grant: string) => readJwt(grant).claims
const details = (tools: object, type = 'attenuating_agent_token') => ({ authorization_details: [{ type, tools }] })
const heldBy = async (party: Party) => ({ cnf: { jwk: jwkOf(party) }, a4a_holder: await made.statementOn(party) })
const asRoot = (header: object) => signAgain(made.root, { signer: made.a.key, header })

async function ownStatement(): Promise<string> {
  return signAgain(await made.statementOn(made.b), { signer: made.a.key })
}

it('the Python program accepts a chain of the SDK, and prints its holders', async () => {
  const { a, b, c, root, second: next, third } = made
  expect(await check([root, next, third])).toBe(`0 ${a.did}\n1 ${b.did}\n2 ${c.did}`)
  expect(await check([root], { args: { amount: 500 } })).toBe(`0 ${a.did}`)
})

it.each<[string, object, string]>([
  ['beyond the limit of the last grant', { args: { amount: 101 } }, 'the argument amount must fit its constraint'],
  ['with a number as text', { args: { amount: '100' } }, 'the argument amount must fit its constraint'],
  ['with an argument more', { args: { amount: 1, to: 'x' } }, 'the call must not have the argument to'],
  ['without its argument', { args: {} }, 'amount must be present'],
  ['of another capability', { capability: REFUND }, 'the grant must have the capability'],
])('the Python program refuses a call %s', async (_name, call, rule) => {
  expect(await check([made.root, made.second, made.third], call)).toContain(`refused: ${rule}`)
})

const FORGED: readonly (readonly [name: string, chain: () => Promise<readonly string[]>, rule: string])[] = [
  ['a grant by a stranger', () => second({ signer: made.d.key }), 'Signature verification failed'],
  ['a grant by its own holder', () => second({ signer: made.b.key }), 'Signature verification failed'],
  ['a root by an agent', async () => [await asRoot({})], 'Signature verification failed'],
  ['a root under an unknown key', async () => [await asRoot({ kid: 'x' })], 'the issuer must publish the key'],
  ['a left-out hop', async () => [made.root, made.third], 'Signature verification failed'],
  ['a chain without its root', async () => [made.second, made.third], 'the issuer must publish the key'],
  [
    'a grant under another root of the same holder',
    async () => [await made.anotherRoot(), made.second],
    'par_hash must fit the parent',
  ],
  [
    'a grant that outlives its parent',
    () => claims({ exp: claimsOf(made.root).exp + 1 }),
    'the parent must outlive it',
  ],
  [
    'a grant issued before its parent',
    () => claims({ iat: claimsOf(made.root).iat - 1 }),
    'the parent must outlive it',
  ],
  [
    'a statement about another key',
    async () => claims({ a4a_holder: await made.statementOn(made.c) }),
    'the statement must be about its key',
  ],
  [
    'a statement by the delegator',
    async () => claims({ a4a_holder: await ownStatement() }),
    'Signature verification failed',
  ],
  ['a holder of another domain', async () => claims(await heldBy(made.d)), 'the holder must be of a domain in a4a_to'],
  ['a domain more', () => claims({ a4a_to: ['acme.test', 'partner.test'] }), 'a4a_to must not grow'],
  ['a depth skipped', () => claims({ del_depth: 2 }), "del_depth must be one more than the parent's"],
  ['a ceiling raised', () => claims({ del_max_depth: 4 }), 'del_max_depth must allow it'],
  ['a capability more', () => claims(details({ [REFUND]: {} })), 'the parent must have every capability'],
  ['details of another type', () => claims(details(upTo(1), 'other')), 'the type must be known'],
  [
    'the jti of the root again',
    () => claims({ jti: claimsOf(made.root).jti }),
    'each grant must have a jti of its own',
  ],
  ['a private key', () => claims({ cnf: { jwk: { ...jwkOf(made.b), d: 'A' } } }), 'the key must be a public key'],
  ['a claim that restricts', () => claims({ scope: '' }), 'it must have no other restriction'],
  ['an unknown restriction', () => claims({ a4a_once: true }), 'all restrictions must be known'],
  ['the typ of a proof', () => second({ header: { typ: 'dpop+jwt' } }), 'typ must be aat+jwt'],
  ['a key in the header', () => second({ header: { jwk: {} } }), 'the header must have only'],
  ['the algorithm none', () => second({ header: { alg: 'none' } }), 'The specified alg value is not allowed'],
  ['ten grants', async () => Array.from({ length: 10 }, () => made.root), 'a chain must have 9 grants at most'],
]

it.each(FORGED)('the Python program refuses %s', async (_name, chain, rule) => {
  expect(await check(await chain())).toContain(`refused: ${rule}`)
})

it.each<[string, () => IssuerForgery, string]>([
  ['nothing wrong', () => ({}), '0 did:agent:acme.test:'],
  ['a root with par_hash', () => ({ root: { par_hash: 'A' } }), 'refused: the chain must begin with a root grant'],
  ['a root of depth 1', () => ({ root: { del_depth: 1 } }), 'refused: the chain must begin with a root grant'],
  [
    'a root of 3,601 seconds',
    () => ({ root: { exp: claimsOf(made.root).iat + 3601 } }),
    'refused: it must last an hour at most',
  ],
  [
    'a statement that ends before the grant',
    () => ({ statement: { exp: claimsOf(made.second).exp - 1 } }),
    'refused: the statement must outlive it',
  ],
  ['an expired root', () => ({ root: { iat: 1, exp: 2 } }), 'refused: Signature has expired'],
])('the Python program reads a chain of another issuer with %s', async (_name, changed, verdict) => {
  const issuer = await startIssuer()
  try {
    expect(await check([await issuer.chain(made, changed())], { issuer: issuer.url })).toContain(verdict)
  } finally {
    issuer.stop()
  }
})
