import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ISSUER } from '../../../test/support/assertions.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { DISCOVERY, fakeIssuer, JWKS, published } from '../../../test/support/offline-verifier.ts'
import type { VerifierOptions } from './verifier-options.ts'

const LOG = '/v1/revocations'
const key = { publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }
const operator = { operatorId: '00000000-0000-8000-8000-000000000000', key }

function connectionError(code: string, message = `connect ${code}`): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })
}

function setUp(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
  onTestFinished(() => warned.mockRestore())
  return { issuer, warned, newVerifier: () => issuer.newVerifier(options) }
}

const fail = (error: Error) => () => {
  throw error
}
const status = (code: number, reason?: string) => () => Response.json({ reason }, { status: code })

describe('Verifier.ready', () => {
  it.each<[string, string, object, string, RegExp]>([
    ['a document of another issuer', DISCOVERY, { issuer: 'https://b.example' }, 'ISSUER_MISMATCH', /b\.example/],
    [
      'a document that names keys on another origin',
      DISCOVERY,
      { issuer: ISSUER, jwks_uri: 'https://b.example/keys' },
      'ISSUER_MISMATCH',
      /b\.example/,
    ],
    ['no document', DISCOVERY, status(404), 'NOT_FOUND', /well-known\/auth4agent answered with 404/],
    ['no keys', JWKS, status(410), 'NOT_FOUND', /jwks\.json answered with 410/],
    ['keys that it may not read', JWKS, status(403, 'FORBIDDEN'), 'ACCESS_REFUSED', /403 FORBIDDEN/],
    ['a key that the log refuses', LOG, status(401, 'UNAUTHENTICATED'), 'ACCESS_REFUSED', /401 UNAUTHENTICATED/],
    ['an operator that may not read the log', LOG, status(403), 'ACCESS_REFUSED', /revocations answered with 403/],
    [
      'a certificate of another host',
      DISCOVERY,
      fail(connectionError('ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname does not match')),
      'CERTIFICATE_REFUSED',
      /fetch failed: Hostname does not match/,
    ],
  ])('rejects with SetupError for %s', async (_name, path, answer, reason, message) => {
    const { issuer, warned, newVerifier } = setUp({ revocations: operator })
    issuer.answers[path] = answer
    const verifier = newVerifier()
    await expect(verifier.ready()).rejects.toMatchObject({
      name: 'SetupError',
      reason,
      message: expect.stringMatching(message),
    })
    // A later call also rejects, although no new problem has occurred.
    await expect(verifier.ready()).rejects.toMatchObject({ reason })
    expect(warned.mock.calls.flat().filter((line) => message.test(String(line)))).toEqual([
      expect.stringMatching(/^Auth4Agent verifier of http:\/\/.*waiting does not solve this\)$/),
    ])
  })
})

describe('Verifier.ready, with a temporary problem,', () => {
  it.each<[string, object]>([
    ['a refused connection', fail(connectionError('ECONNREFUSED'))],
    ['an unknown host name', fail(connectionError('ENOTFOUND'))],
    ['a 503', status(503, 'UNAVAILABLE')],
    ['a 429', status(429)],
    ['a certificate that is not valid yet', fail(connectionError('CERT_NOT_YET_VALID'))],
  ])('keeps waiting after %s', async (_name, answer) => {
    const { issuer, warned, newVerifier } = setUp()
    const { [JWKS]: keys } = issuer.answers
    issuer.answers[JWKS] = answer
    const verifier = newVerifier()
    await eventually(() => expect(warned).toHaveBeenCalledTimes(1))
    expect(warned.mock.lastCall?.[0]).toMatch(/: the issuer's keys cannot be fetched: .*\(the verifier keeps trying\)$/)
    issuer.answers[JWKS] = keys ?? {}
    await verifier.ready()
  })
})

it('Verifier.ready rejects after its timeout with the last problem, and when its signal aborts', async () => {
  const { issuer, newVerifier } = setUp()
  issuer.answers[JWKS] = status(503)
  const verifier = newVerifier()
  await expect(verifier.ready({ timeout: 0.05 })).rejects.toMatchObject({ name: 'SetupError', reason: 'TIMED_OUT' })
  await eventually(() => expect(issuer.asked[JWKS]).toBeGreaterThan(0))
  await expect(verifier.ready({ timeout: 0.05 })).rejects.toThrow(/not ready within 0.05 s: .*503/)
  const stop = new AbortController()
  const waiting = verifier.ready({ signal: stop.signal })
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await expect(verifier.ready({ signal: stop.signal })).rejects.toThrow('stopped')
  await expect(verifier.ready({ timeout: 0 })).rejects.toThrow(TypeError)
})

it('console.warn gets each problem once, and again after a time without problems', async () => {
  const hand = handFeed()
  const { warned, newVerifier } = setUp({ revocations: hand.feed })
  const verifier = newVerifier()
  const log = handLog()
  const end = async (message: string) => (await hand.next()).end(new Error(message))
  for (const message of ['one', 'one', 'two', 'one']) await end(message)
  const next = await hand.next()
  expect(warned.mock.calls.map(([line]) => /followed: (\w+)/.exec(String(line))?.[1])).toEqual(['one', 'two'])
  next.send(log.head())
  await verifier.ready()
  next.end(new Error('one'))
  await hand.next()
  expect(warned).toHaveBeenCalledTimes(3)
})

it('onProblem is called with each problem, and then nothing is written to console.warn', async () => {
  const heard: unknown[] = []
  const onProblem = (error: unknown) => {
    heard.push(error)
    throw new Error('a listener that fails')
  }
  const { issuer, warned, newVerifier } = setUp({ onProblem })
  issuer.answers[JWKS] = status(401)
  const verifier = newVerifier()
  await expect(verifier.ready()).rejects.toMatchObject({ reason: 'ACCESS_REFUSED' })
  expect(heard).toEqual([expect.objectContaining({ name: 'HttpError', status: 401 })])
  expect(warned).not.toHaveBeenCalled()
})

it('Verifier.ready resolves if the verifier was ready once and cannot fetch the keys again', async () => {
  const { issuer, newVerifier } = setUp()
  issuer.answers[JWKS] = () =>
    Response.json({ keys: [published(issuer.key)] }, { headers: { 'cache-control': 'max-age=1' } })
  const verifier = newVerifier()
  await verifier.ready()
  issuer.answers[JWKS] = status(404)
  await eventually(() => expect(issuer.asked[JWKS]).toBeGreaterThan(1))
  await verifier.ready()
})
