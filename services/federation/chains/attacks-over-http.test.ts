import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import {
  createKey,
  jwksOf,
  planConfiguration,
  planStatement,
  type StatementPlan,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import { createFindChain } from './find-chain.ts'

const STATEMENT = 'application/entity-statement+jwt'
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

interface Place {
  readonly subject: string
  readonly anchor: string
  /** Answers of the server by their paths. */
  readonly answers: Map<string, string>
  readonly plans: Readonly<Record<'own' | 'step' | 'top', StatementPlan>>
}

type Answer = (text: string) => RequestListener

const plain: Answer = (text) => (_request, response) => {
  response.writeHead(200, { 'content-type': STATEMENT }).end(text)
}

/** Starts a subject and its anchor on one server, and searches for the chain. */
async function searchWith(change: (place: Place) => void, answers: Readonly<Record<string, Answer>> = {}) {
  const texts = new Map<string, string>()
  const { port, requests } = await startOutside((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname
    const text = texts.get(path)
    if (text === undefined) response.writeHead(404).end()
    else (answers[path] ?? plain)(text)(request, response)
  })
  const [subject, anchor] = [`http://localhost:${port}/as`, `http://localhost:${port}/anchor`]
  const keys = { subject: createKey(), anchor: createKey() }
  const nowS = Math.floor(Date.now() / 1_000)
  const times = { iat: nowS, exp: nowS + 3_600 }
  const own = planConfiguration(subject, keys.subject, {
    ...times,
    authority_hints: [anchor],
    metadata: { oauth_authorization_server: { issuer: subject } },
  })
  const step = planStatement(anchor, keys.anchor, subject, keys.subject, times)
  const top = planConfiguration(anchor, keys.anchor, {
    ...times,
    metadata: { federation_entity: { federation_fetch_endpoint: `${anchor}/fetch` } },
  })
  change({ subject, anchor, answers: texts, plans: { own, step, top } })
  const made = { [OWN]: own, [TOP]: top, [STEP]: step }
  for (const [path, plan] of Object.entries(made)) texts.set(path, texts.get(path) ?? signStatement(plan))
  const { prisma } = database.db
  await prisma.trustAnchor.deleteMany()
  const row = { entityId: anchor, position: 0, autoAdmit: false, jwks: JSON.stringify(jwksOf(keys.anchor)) }
  await prisma.trustAnchor.create({ data: row })
  const { outbound } = openOutbound()
  const found = await createFindChain({ prisma, outbound, now: Date.now })(subject)
  return { found, requests, anchor }
}

const OWN = '/as/.well-known/openid-federation'
const TOP = '/anchor/.well-known/openid-federation'
const STEP = '/anchor/fetch'
const nothing = () => undefined
const silent: Answer = () => () => undefined

it('a chain over HTTP is found when every statement is as it should be', async () => {
  const { found, requests } = await searchWith(nothing)
  expect(found).toMatchObject({ ok: true, deadEnds: [] })
  expect(requests.map(({ url = '' }) => url.split('?')[0])).toEqual([OWN, TOP, STEP])
})

/** What the answer of one address does wrong, and a part of the refusal. */
const ATTACKS: readonly (readonly [name: string, path: string, answer: Answer, rule: string])[] = [
  [
    'attack 15: redirects to another server',
    OWN,
    () => (_request, response) => void response.writeHead(302, { location: 'http://localhost:1/' }).end(),
    'NOT_FETCHED',
  ],
  ['answers with another media type', OWN, typed('application/jwt'), 'NOT_FETCHED'],
  ['answers with JSON', OWN, typed('application/json'), 'NOT_FETCHED'],
  ['attack 14: answers with more than 64 KiB', OWN, (text) => plain(text + 'a'.repeat(65_536)), 'NOT_FETCHED'],
  [
    'attack 14: answers compressed',
    OWN,
    (text) => (_request, response) =>
      void response.writeHead(200, { 'content-type': STATEMENT, 'content-encoding': 'gzip' }).end(text),
    'NOT_FETCHED',
  ],
  [
    'answers with another status',
    OWN,
    (text) => (_request, response) => void response.writeHead(203, { 'content-type': STATEMENT }).end(text),
    'NOT_FETCHED',
  ],
]

function typed(type: string): Answer {
  return (text) => (_request, response) => void response.writeHead(200, { 'content-type': type }).end(text)
}

describe('no chain is found if a server', () => {
  it.each(ATTACKS)('%s', async (_, path, answer, rule) => {
    const { found } = await searchWith(nothing, { [path]: answer })
    expect(found).toMatchObject({ ok: false, rule })
  })
})

/** Writes a statement whose payload has a text in place of the claims. */
function forged({ plans: { own } }: Place, text: (claims: string) => string): string {
  const [header = '', payload = ''] = signStatement(own).split('.')
  const changed = Buffer.from(text(Buffer.from(payload, 'base64url').toString())).toString('base64url')
  return `${header}.${changed}.${signStatement(own).split('.')[2] ?? ''}`
}

const STATEMENTS: readonly (readonly [name: string, change: (place: Place) => void, rule: string])[] = [
  [
    'a member twice',
    (place) =>
      place.answers.set(
        OWN,
        forged(place, (claims) => claims.replace('{', '{"iss":"x",')),
      ),
    'JWS_REFUSED',
  ],
  ['an unknown critical claim', ({ plans }) => void (plans.own.claims['crit'] = ['jti']), 'CRIT_UNKNOWN'],
  ['another issuer', ({ plans, anchor }) => void (plans.own.claims['iss'] = anchor), 'CLAIM_MISPLACED'],
  [
    'the subject with a slash',
    ({ plans, subject }) => {
      plans.own.claims['iss'] = `${subject}/`
      plans.own.claims['sub'] = `${subject}/`
    },
    'WRONG_STATEMENT',
  ],
  [
    'a signature of a key from elsewhere',
    ({ plans }) => void (plans.own.signer = { ...createKey(), kid: plans.own.signer.kid }),
    'SIGNATURE_INVALID',
  ],
]

describe('no chain is found if the configuration of the subject has', () => {
  it.each(STATEMENTS)('%s', async (_, change, rule) => {
    expect((await searchWith(change)).found).toMatchObject({ ok: false, rule })
  })
})

const STEPS: readonly (readonly [name: string, change: (place: Place) => void, rule: string])[] = [
  ['keys of another federation', ({ plans }) => void (plans.step.claims['jwks'] = jwksOf(createKey())), 'KEY_UNKNOWN'],
  ['another subject', ({ plans, subject }) => void (plans.step.claims['sub'] = `${subject}/`), 'CHAIN_NOT_FOUND'],
  [
    'an unknown critical operator',
    ({ plans }) => void Object.assign(plans.step.claims, { metadata_policy_crit: ['x'] }),
    'CHAIN_NOT_FOUND',
  ],
  [
    'an issuer by policy that is another one',
    ({ plans }) =>
      void Object.assign(plans.step.claims, {
        metadata_policy: { oauth_authorization_server: { issuer: { value: 'https://other.example' } } },
      }),
    'ISSUER_MISMATCH',
  ],
]

describe('no chain is found if the statement of the anchor has', () => {
  it.each(STEPS)('%s', async (_, change, rule) => {
    expect((await searchWith(change)).found).toMatchObject({ ok: false, rule })
  })
})

it('attack 12: hints to silent servers end by the limits of the search, and the chain is still found', async () => {
  const { found, anchor } = await searchWith(
    ({ plans, anchor: real, answers }) => {
      const hints = ['/s1', '/s2'].map((path) => real.replace('/anchor', path))
      plans.own.claims['authority_hints'] = [...hints, real]
      for (const path of ['/s1', '/s2']) answers.set(`${path}/.well-known/openid-federation`, 'x')
    },
    { '/s1/.well-known/openid-federation': silent, '/s2/.well-known/openid-federation': silent },
  )
  expect(found).toMatchObject({
    ok: true,
    found: { anchorId: anchor },
    deadEnds: [{ rule: 'NOT_FETCHED' }, { rule: 'NOT_FETCHED' }],
  })
}, 20_000)
