import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectProblem } from './support/expect-error.ts'
import { sendHttp } from './support/http.ts'
import { assertionOf } from './support/refusal.ts'
import { expectNoErrorLines, useWorld } from './support/run-cases.ts'
import type { World } from './support/world.ts'

const world = useWorld()

/** A request with an unknown name. A server that ignored the name would do something that the caller did not mean. */
interface Mistaken {
  readonly verb: string
  readonly path: (world: World) => string
  readonly body?: (world: World) => object
  /** The part of the detail that says which name the caller probably meant. */
  readonly meant: string
}

const verify = (wanted: object, meant: string): Mistaken => ({
  verb: 'POST',
  path: () => '/v1/verify',
  body: ({ token }) => ({ token: token(), ...wanted }),
  meant,
})

const ofAcme =
  (path: string): Mistaken['path'] =>
  ({ operators: { acme } }) =>
    `/v1/operators/${acme.id}${path}`

const mistaken: Readonly<Record<string, Mistaken>> = {
  'verifying for scopes': verify({ scopes: 'admin' }, 'the nearest known one is "scope"'),
  'verifying for aud': verify({ aud: 'https://other.example' }, 'the nearest known one is "audience"'),
  'verifying for audiences': verify({ audiences: ['https://other.example'] }, 'the nearest known one is "audience"'),
  'verifying for operator': verify({ operator: 'other.example' }, 'the nearest known one is "operators"'),
  'granting scopes': {
    verb: 'PATCH',
    path: ofAcme('/agents/scopes'),
    body: ({ agents: { active } }) => ({ did: active.did, scopes: ['read'] }),
    meant: 'the nearest known one is "allowed_scopes"',
  },
  'setting require_bound_challenge': {
    verb: 'PUT',
    path: ofAcme('/policy'),
    body: () => ({ require_bound_challenge: true }),
    meant: 'the nearest known one is "require_bound_challenges"',
  },
  'setting a policy within a policy': {
    verb: 'PUT',
    path: ofAcme('/policy'),
    body: () => ({ policy: { require_bound_challenges: true } }),
    meant: 'the known ones are "audiences", "require_bound_challenges"',
  },
  'listing the caller of an audience': {
    verb: 'PUT',
    path: ofAcme('/policy'),
    body: ({ operators: { acme } }) => ({ audiences: [{ audience: `api.${acme.domain}`, caller: ['*'] }] }),
    meant: 'Unknown field "audiences[0].caller": the nearest known one is "callers"',
  },
  'reading the audit with a limit': {
    verb: 'GET',
    path: ofAcme('/audit?limit=1'),
    meant: 'Unknown query parameter "limit": the known ones are "id", "page_size"',
  },
  'listing agents by state': {
    verb: 'GET',
    path: ofAcme('/agents?state=active'),
    meant: 'the nearest known one is "status"',
  },
}

/** Sends a request as acme. Expects that the request changes nothing, not even the audit. */
async function send({ verb, path, body }: Mistaken) {
  const target = path(world())
  const authorization = assertionOf(world().operators.acme, `${verb} ${target.replace(/\?.*/, '')}`)
  const requestId = randomUUID()
  const before = await world().snapshot(requestId)
  const answer = await sendHttp(world().server.baseUrl, {
    verb,
    path: target,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId, authorization },
    ...(body !== undefined && { body: JSON.stringify(body(world())) }),
  })
  expect(await world().snapshot(requestId)).toEqual(before)
  return { answer, requestId }
}

describe('a request with an unknown name', () => {
  it.each(Object.entries(mistaken))('is refused with a hint and changes nothing: %s', async (_, request) => {
    const { answer, requestId } = await send(request)
    expectProblem(answer, 'UNKNOWN_FIELD', requestId)
    expect(JSON.parse(answer.text)).toMatchObject({ detail: expect.stringContaining(request.meant) })
  })
})

describe('an empty list in a requirement of POST /v1/verify', () => {
  it.each(['operators', 'audience'])('is refused: %s', async (name) => {
    const { answer, requestId } = await send(verify({ [name]: [] }, ''))
    expectProblem(answer, 'INVALID_ARGUMENT', requestId)
    expect(JSON.parse(answer.text)).toMatchObject({
      detail: `${name} must not be empty: leave it out if nothing is required`,
    })
  })
})

it('POST /v1/verify ignores a requirement that is missing or null', async () => {
  for (const wanted of [{}, { operators: null, audience: null, scope: null }]) {
    const { answer } = await send(verify(wanted, ''))
    expect(JSON.parse(answer.text)).toMatchObject({ valid: true })
  }
})

it('the server answers well-known documents with any query, because caches append a query', async () => {
  for (const path of ['/.well-known/jwks.json?v=1', '/.well-known/auth4agent?v=1', '/health?v=1']) {
    expect((await sendHttp(world().server.baseUrl, { verb: 'GET', path })).status).toBe(200)
  }
})

expectNoErrorLines(world)
