import type { RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { CLAIMS, CONTEXT, idToken, issuerKey } from '../../../../test/support/id-tokens.ts'
import { json, openOutbound, startOutside } from '../../../../test/support/outside-server.ts'
import type { OutboundDeps } from '../../../platform/outbound/outbound.ts'
import { createOidcTypes } from './create-oidc.ts'

const key = await issuerKey('RS256')
const DISCOVERY = '/.well-known/openid-configuration'
const GOOD_SET = { keys: [key.jwk] }
const UNAVAILABLE = (why: RegExp) => ({ name: 'ApiError', reason: 'UNAVAILABLE', message: expect.stringMatching(why) })

const open = (deps: Partial<OutboundDeps> = {}) =>
  createOidcTypes({ outbound: openOutbound(deps).outbound, now: () => performance.now() }).oidc

/** What an issuer answers at a path: JSON, or anything. */
type Answers = (origin: string) => Readonly<Record<string, object | RequestListener>>

/** Starts an issuer on this machine, and appraises one of its tokens. */
async function appraiseFrom(answers: Answers, path = '', config: (origin: string) => object = () => ({})) {
  const { port, requests } = await startOutside((request, response) => {
    const answer = answers(`http://${request.headers.host}`)[request.url ?? '']
    const listener = typeof answer === 'function' ? answer : json(answer)
    if (answer === undefined) response.writeHead(404).end()
    else listener(request, response)
  })
  const origin = `http://localhost:${port}`
  const issuer = `${origin}${path}`
  const oidc = open()
  const appraisal = oidc.appraise(
    oidc.parseConfig({ issuer, ...config(origin) }),
    await idToken(key, { ...CLAIMS, iss: issuer }),
    CONTEXT,
  )
  return { appraisal: await appraisal.catch((error: unknown) => error), asked: requests.map(({ url }) => url) }
}

/** The answers of an issuer whose discovery document has these members too. */
const publishing =
  (set: object | RequestListener, change: (origin: string) => object = () => ({})): Answers =>
  (origin) => ({
    [DISCOVERY]: { issuer: origin, jwks_uri: `${origin}/jwks`, ...change(origin) },
    '/jwks': set,
  })

const redirect: RequestListener = (_, response) => response.writeHead(302, { location: '/other' }).end()

describe('keys over HTTP', () => {
  it('come from the address in the discovery document', async () => {
    const { appraisal, asked } = await appraiseFrom(publishing(GOOD_SET))
    expect(appraisal).toMatchObject({ claims: { sub: CLAIMS.sub }, level: 'bound' })
    expect(asked).toEqual([DISCOVERY, '/jwks'])
  })

  it('come from the discovery document of an issuer whose path ends with a slash', async () => {
    const { appraisal, asked } = await appraiseFrom(
      (origin) => ({
        [`/tenant${DISCOVERY}`]: { issuer: `${origin}/tenant/`, jwks_uri: `${origin}/jwks` },
        '/jwks': GOOD_SET,
      }),
      '/tenant/',
    )
    expect(appraisal).toMatchObject({ level: 'bound' })
    expect(asked).toEqual([`/tenant${DISCOVERY}`, '/jwks'])
  })

  it('come from the configured address, without a discovery document', async () => {
    const { appraisal, asked } = await appraiseFrom(
      () => ({
        '/openid/v1/jwks': (_, response) =>
          response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify(GOOD_SET)),
      }),
      '',
      (origin) => ({ jwks_uri: `${origin}/openid/v1/jwks` }),
    )
    expect(appraisal).toMatchObject({ level: 'bound' })
    expect(asked).toEqual(['/openid/v1/jwks'])
  })

  it('may come in a JWKS of 200 KiB, as sets with chains of certificates are', async () => {
    const set = { keys: [{ ...key.jwk, x5c: ['A'.repeat(200 * 1024)] }] }
    expect((await appraiseFrom(publishing(set))).appraisal).toMatchObject({ level: 'bound' })
  })

  const thousand = { keys: Array.from({ length: 1_000 }, (_, index) => ({ ...key.jwk, kid: `key-${index}` })) }
  const many = { keys: Array.from({ length: 33 }, (_, index) => ({ kty: 'oct', kid: `key-${index}` })) }
  it.each<[name: string, answers: Answers, why: RegExp]>([
    [
      'a discovery document that names another issuer',
      publishing(GOOD_SET, () => ({ issuer: 'https://a.example' })),
      /same issuer/,
    ],
    [
      'a discovery document that names the issuer with a slash',
      publishing(GOOD_SET, (origin) => ({ issuer: `${origin}/` })),
      /same issuer/,
    ],
    ['a discovery document without an issuer', publishing(GOOD_SET, () => ({ issuer: undefined })), /same issuer/],
    [
      'a discovery document without a jwks_uri',
      publishing(GOOD_SET, () => ({ jwks_uri: undefined })),
      /must have a jwks_uri/,
    ],
    ['a jwks_uri that is http', publishing(GOOD_SET, () => ({ jwks_uri: 'http://a.example/' })), /: URL_REFUSED$/],
    [
      'a jwks_uri that is an address',
      publishing(GOOD_SET, () => ({ jwks_uri: 'https://10.0.0.1/' })),
      /: URL_REFUSED$/,
    ],
    [
      'a jwks_uri that is a file',
      publishing(GOOD_SET, () => ({ jwks_uri: 'file:///etc/passwd' })),
      /must have a jwks_uri, a URL in its normal form$/,
    ],
    ['no discovery document', () => ({ '/jwks': GOOD_SET }), /: STATUS$/],
    ['a discovery document that redirects', () => ({ [DISCOVERY]: redirect }), /: STATUS$/],
    ['a JWKS that redirects', publishing(redirect), /: STATUS$/],
    ['a JWKS of 1,000 keys', publishing(thousand), /: TOO_LARGE$/],
    ['a JWKS of 33 keys', publishing(many), /must have a list of at most 32 keys$/],
    ['a JWKS without keys', publishing({}), /must have a list of at most 32 keys/],
    [
      'a JWKS with two members of one name',
      publishing((_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[],"keys":[]}'),
      ),
      /its JWKS must be an unambiguous JSON object$/,
    ],
    [
      'a discovery document that is no JSON',
      () => ({
        [DISCOVERY]: (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('x'),
      }),
      /its discovery document must be an unambiguous/,
    ],
    [
      'a JWKS that is a web page',
      publishing((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x')),
      /: MEDIA_TYPE$/,
    ],
  ])('cannot be fetched from %s', async (_, answers, why) => {
    expect((await appraiseFrom(answers)).appraisal).toMatchObject(UNAVAILABLE(why))
  })

  it.each([
    ['a private member', { keys: [{ ...key.jwk, d: 'AA' }] }],
    ['a symmetric type', { keys: [{ kty: 'oct', kid: key.kid, k: 'AA', alg: 'RS256' }] }],
    ['another use', { keys: [{ ...key.jwk, use: 'enc' }] }],
  ])('are not used with %s', async (_, set) => {
    const { appraisal } = await appraiseFrom(publishing(set))
    expect(appraisal).toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringMatching(/^The kid of the token/),
    })
  })

  it.each([
    ['private', '10.0.0.1'],
    ['link-local', '169.254.169.254'],
    ['of this machine', '127.0.0.1'],
  ])('are not fetched from an address that is %s', async (_, address) => {
    const oidc = open({ testDomains: false, resolve: () => Promise.resolve([{ address, family: 4 }]) })
    const issuer = 'https://issuer.example'
    const appraisal = oidc.appraise(oidc.parseConfig({ issuer }), await idToken(key), CONTEXT)
    await expect(appraisal).rejects.toMatchObject(UNAVAILABLE(/: ADDRESS_REFUSED$/))
  })

  it('are not fetched over http from this machine by a server without test domains', async () => {
    const { port, requests } = await startOutside((_, response) => response.end())
    const oidc = open({ testDomains: false })
    const appraisal = oidc.appraise(
      oidc.parseConfig({ issuer: `http://localhost:${port}` }),
      await idToken(key),
      CONTEXT,
    )
    await expect(appraisal).rejects.toMatchObject(UNAVAILABLE(/: URL_REFUSED$/))
    expect(requests).toEqual([])
  })

  it('are not fetched for evidence that cannot be a token', async () => {
    const { appraisal, asked } = await appraiseFrom(publishing(GOOD_SET), '', () => ({ algorithms: ['ES256'] }))
    expect(appraisal).toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringMatching(/must have the alg ES256/),
    })
    expect(asked).toEqual([])
  })
})
