import { describe, expect, it } from 'vitest'
import {
  DPOP_CHALLENGE as DPOP,
  prove,
  setUpGuard as setUp,
  TARGET,
  URL_NOW,
} from '../../../test/clients/verifier/guards.ts'
import { createGuard } from './guard.ts'

type Headers = readonly [authorization: readonly string[], dpop?: readonly string[]]
type Made = Pick<ReturnType<typeof setUp>, 'bound' | 'bearer' | 'client'>

const malformed = (...authorization: readonly string[]): ((made: Made) => Headers) => {
  return ({ bearer }) => [authorization.map((text) => text.replace('TOKEN', bearer))]
}

describe('a guard refuses', () => {
  it.each<[string, (made: Made) => Headers, number, string, string | RegExp]>([
    ['no Authorization header', () => [[]], 401, 'UNAUTHENTICATED', `Bearer realm="https://b.example", ${DPOP}`],
    [
      'a bound token under Bearer',
      ({ bound }) => [[`Bearer ${bound}`]],
      401,
      'PROOF_REQUIRED',
      /^Bearer error="invalid_token", error_description="The token is bound to a key, [^"]*", DPoP algs="[^"]*"$/,
    ],
    [
      'a bound token under Bearer, even with a good proof',
      ({ bound, client }) => [[`Bearer ${bound}`], [prove(client, bound)]],
      401,
      'PROOF_REQUIRED',
      /^Bearer error="invalid_token"/,
    ],
    [
      'an unbound token under Bearer with a proof',
      ({ bearer, client }) => [[`Bearer ${bearer}`], [prove(client, bearer)]],
      401,
      'TOKEN_NOT_BOUND',
      /^Bearer error="invalid_token"/,
    ],
    [
      'an unbound token under DPoP',
      ({ bearer, client }) => [[`DPoP ${bearer}`], [prove(client, bearer)]],
      401,
      'TOKEN_NOT_BOUND',
      /^Bearer realm="[^"]*", DPoP error="invalid_token", error_description="[^"]*", algs="EdDSA Ed25519 ES256"$/,
    ],
    [
      'an unbound token under DPoP without a proof',
      ({ bearer }) => [[`DPoP ${bearer}`]],
      401,
      'TOKEN_NOT_BOUND',
      /DPoP error="invalid_token"/,
    ],
    [
      'a bound token under DPoP without a proof',
      ({ bound }) => [[`DPoP ${bound}`]],
      401,
      'PROOF_REQUIRED',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'two proofs',
      ({ bound, client }) => [[`DPoP ${bound}`], [prove(client, bound), prove(client, bound)]],
      401,
      'PROOF_INVALID',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'a proof and an empty DPoP header',
      ({ bound, client }) => [[`DPoP ${bound}`], [prove(client, bound), '']],
      401,
      'PROOF_INVALID',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'an empty DPoP header',
      ({ bound }) => [[`DPoP ${bound}`], ['']],
      401,
      'PROOF_INVALID',
      /DPoP error="invalid_dpop_proof"/,
    ],
    [
      'a proof for another URL, and names the right one',
      ({ bound, client }) => [[`DPoP ${bound}`], [prove(client, bound, 'https://b.example/other')]],
      401,
      'PROOF_INVALID',
      `Bearer realm="https://b.example", DPoP error="invalid_dpop_proof", error_description="The DPoP proof is not valid \
for this request and token: htu must be ${URL_NOW}", algs="EdDSA Ed25519 ES256"`,
    ],
    ['another scheme', malformed('Basic TOKEN'), 400, 'INVALID_ARGUMENT', /^Bearer error="invalid_request"/],
    [
      'two Authorization headers',
      malformed('Bearer TOKEN', 'Bearer TOKEN'),
      400,
      'INVALID_ARGUMENT',
      /invalid_request/,
    ],
    ['two tokens', malformed('Bearer TOKEN, DPoP TOKEN'), 400, 'INVALID_ARGUMENT', /invalid_request/],
    ['DPoP and Bearer', malformed('DPoP TOKEN', 'Bearer TOKEN'), 400, 'INVALID_ARGUMENT', /invalid_request/],
    ['a scheme that begins like DPoP', malformed('DPoPx TOKEN'), 400, 'INVALID_ARGUMENT', /invalid_request/],
    ['a scheme without a token', malformed('DPoP '), 400, 'INVALID_ARGUMENT', /invalid_request/],
    ['a tab after the scheme', malformed('DPoP\tTOKEN'), 400, 'INVALID_ARGUMENT', /invalid_request/],
  ])('%s', async (_name, headersOf, status, reason, challenge) => {
    const made = setUp()
    expect(await made.decide(...headersOf(made))).toEqual([
      status,
      reason,
      typeof challenge === 'string' ? challenge : expect.stringMatching(challenge),
      expect.any(String),
    ])
  })

  it('a proof that was used before, with invalid_dpop_proof', async () => {
    const { client, bound, decide } = setUp()
    const headers: Headers = [[`DPoP ${bound}`], [prove(client, bound)]]
    expect(await decide(...headers)).toEqual([200])
    expect(await decide(...headers)).toEqual([
      401,
      'PROOF_REPLAYED',
      expect.stringContaining('DPoP error="invalid_dpop_proof", error_description="The DPoP proof has already been'),
      'The DPoP proof has already been used',
    ])
  })

  it('a proof with 503 and Retry-After if the replay store does not work', async () => {
    const replays = { use: () => Promise.reject(new Error('no connection')) }
    const { issuer, client, bound } = setUp()
    const guard = createGuard(issuer.newVerifier({ replays }))
    const presented = {
      request: {},
      authorization: [`DPoP ${bound}`],
      dpop: [prove(client, bound)],
      method: 'GET',
      target: TARGET,
    }
    expect(await guard(presented)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  })

  it('a proof for another URL than a very long one with a short challenge', async () => {
    const { client, bound, decide } = setUp()
    const [status, , challenge] = await decide([`DPoP ${bound}`], [prove(client, bound)], `/${'x'.repeat(8_000)}`)
    expect([status, String(challenge).length < 600]).toEqual([401, true])
  })

  it.each(['*', 'b.example:443', ''])(
    'a proof if the target of the request is %j, which has no path',
    async (target) => {
      const { client, bound, decide } = setUp()
      for (const url of ['https://b.example/', `https://b.example${target}`]) {
        expect((await decide([`DPoP ${bound}`], [prove(client, bound, url)], target)).slice(0, 2)).toEqual([
          401,
          'PROOF_INVALID',
        ])
      }
    },
  )
})

describe('a guard accepts', () => {
  it.each(['DPoP', 'dpop', 'DPOP', 'DPoP  '])('a bound token with one proof under the scheme %j', async (scheme) => {
    const { client, bound, decide } = setUp()
    expect(await decide([`${scheme} ${bound}`], [prove(client, bound)])).toEqual([200])
  })

  it.each([
    ['/orders', URL_NOW],
    ['https://evil.example/orders', URL_NOW],
    ['//evil.example/orders', 'https://b.example//evil.example/orders'],
    ['/', 'https://b.example'],
    ['https://evil.example', 'https://b.example/'],
  ])('a proof for the public URL, and not for the host in the target %s', async (target, url) => {
    const { client, bound, decide } = setUp()
    expect(await decide([`DPoP ${bound}`], [prove(client, bound, url)], target)).toEqual([200])
    const [status, reason] = await decide(
      [`DPoP ${bound}`],
      [prove(client, bound, 'https://evil.example/orders')],
      target,
    )
    expect([status, reason]).toEqual([401, 'PROOF_INVALID'])
  })
})
