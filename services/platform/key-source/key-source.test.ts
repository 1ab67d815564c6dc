import { describe, expect, it } from 'vitest'
import { CONTEXT, ISSUER, issuerKey } from '../../../test/support/id-tokens.ts'
import { EVIDENCE_ALGORITHMS } from '../jwt/algorithms.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import type { KeyPlace } from './fetch-key-set.ts'
import { createKeySource } from './key-source.ts'

const JWKS_URI = 'https://keys.example/jwks'
const [one, two] = await Promise.all([issuerKey('ES256', 'one'), issuerKey('ES256', 'two')])
const CONFIG: KeyPlace = { issuer: ISSUER, jwksUri: JWKS_URI, algorithms: EVIDENCE_ALGORITHMS }
const UNAVAILABLE = { name: 'ApiError', reason: 'UNAVAILABLE' }

/** A source of keys over an issuer and clocks that the test controls. */
function start() {
  const world = {
    monotonic: 0,
    wall: CONTEXT.now,
    keys: [one.jwk],
    maxAgeS: undefined as number | undefined,
    delayMs: 0,
  }
  const asked: string[] = []
  const answers = new Map<string, object | Error>()
  const get = async (url: string) => {
    asked.push(url)
    await Promise.resolve()
    world.monotonic += world.delayMs
    const answer = answers.get(url) ?? { keys: world.keys }
    if (answer instanceof Error) throw answer
    const body = Buffer.from(JSON.stringify(answer))
    return { mediaType: 'application/json', body, maxAgeS: world.maxAgeS, date: undefined }
  }
  const source = createKeySource({ outbound: { get }, now: () => world.monotonic })
  const find = async (kid = 'one', holderId = CONTEXT.attestorId, config = CONFIG) =>
    (await source(config, kid, { holderId, now: world.wall })).has(kid)
  const pass = (seconds: number) => {
    world.monotonic += seconds * 1000
    world.wall += seconds * 1000
  }
  const fail = (error: Error = new OutboundError('TIMEOUT', 'x')) => answers.set(JWKS_URI, error)
  return { world, asked, answers, find, pass, fail }
}

describe('the copy of the keys of an attestor', () => {
  it.each([
    ['5 minutes without a max-age', undefined, 300],
    ['a minute with a shorter max-age', 0, 60],
    ['the max-age', 600, 600],
    ['an hour with a longer max-age', 86_400, 3600],
  ])('is used for %s', async (_, maxAgeS, seconds) => {
    const { world, asked, find, pass } = start()
    world.maxAgeS = maxAgeS
    await find()
    pass(seconds - 1)
    await find()
    expect(asked).toHaveLength(1)
    pass(1)
    await find()
    expect(asked).toHaveLength(2)
  })

  it.each([
    ['place', { ...CONFIG, jwksUri: 'https://other.example/jwks' }],
    ['algorithms', { ...CONFIG, algorithms: ['ES256' as const] }],
  ])('is not used when the operator changes the %s', async (_, changed) => {
    const { asked, find } = start()
    await find()
    await find('one', CONTEXT.attestorId, changed)
    expect(asked).toEqual([JWKS_URI, changed.jwksUri])
  })

  it.each(['monotonic', 'wall'] as const)('becomes old by the %s clock alone', async (clock) => {
    const { world, asked, find } = start()
    await find()
    world[clock] += 300_000
    await find()
    expect(asked).toHaveLength(2)
  })

  it('is not used past its age if the keys cannot be fetched, and is used again after the next fetch', async () => {
    const { answers, find, pass, fail } = start()
    await find()
    fail()
    pass(299)
    expect(await find()).toBe(true)
    pass(1)
    await expect(find()).rejects.toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/: TIMEOUT$/) })
    answers.clear()
    pass(5)
    expect(await find()).toBe(true)
    expect(await find('two')).toBe(false)
  })

  it('has the age of its fetch, also if the answer takes long', async () => {
    const { world, find } = start()
    world.delayMs = 299_999
    expect(await find('two')).toBe(false)
    world.delayMs = 300_000
    await expect(find('one', 'attestor-2')).rejects.toMatchObject(UNAVAILABLE)
  })

  it('forgets a key that the issuer no longer publishes', async () => {
    const { world, find, pass } = start()
    await find()
    world.keys = [two.jwk]
    pass(300)
    expect(await find()).toBe(false)
    expect(await find('two')).toBe(true)
  })

  it('is fetched once by all evidence that comes at the same time', async () => {
    const { asked, find } = start()
    expect(await Promise.all(Array.from({ length: 20 }, () => find()))).toEqual(Array.from({ length: 20 }, () => true))
    expect(asked).toHaveLength(1)
  })

  it('is kept for each attestor, because another configuration has other keys', async () => {
    const { asked, find } = start()
    await find('one', 'attestor-1')
    await find('one', 'attestor-2')
    await find('one', 'attestor-1')
    expect(asked).toHaveLength(2)
  })

  it('is kept for the 1,000 attestors that were used last', async () => {
    const { asked, find } = start()
    for (let index = 0; index < 1_000; index += 1) await find('one', `attestor-${index}`)
    await find('one', 'attestor-0')
    expect(asked).toHaveLength(1_000)
    await find('one', 'attestor-1000')
    await find('one', 'attestor-0')
    expect(asked).toHaveLength(1_001)
    await find('one', 'attestor-1')
    expect(asked).toHaveLength(1_002)
  })
})

describe('an unknown kid', () => {
  it('causes a fetch at most every 30 s', async () => {
    const { world, asked, find, pass } = start()
    await find()
    world.keys = [one.jwk, two.jwk]
    pass(29)
    expect(await find('two')).toBe(false)
    pass(1)
    expect(await find('two')).toBe(true)
    expect(await find('three')).toBe(false)
    pass(29)
    expect(await find('four')).toBe(false)
    expect(asked).toHaveLength(2)
  })

  it('waits for a fetch that is under way', async () => {
    const { world, asked, find, pass } = start()
    await find()
    world.keys = [one.jwk, two.jwk]
    pass(30)
    expect(await Promise.all([find('two'), find('two')])).toEqual([true, true])
    expect(asked).toHaveLength(2)
  })

  it('cannot be decided while fetches fail, but known keys stay usable', async () => {
    const { find, pass, fail } = start()
    await find()
    fail()
    pass(30)
    await expect(find('two')).rejects.toMatchObject(UNAVAILABLE)
    await expect(find('two')).rejects.toMatchObject(UNAVAILABLE)
    expect(await find()).toBe(true)
  })
})

describe('a fetch that fails', () => {
  it('is not repeated for 5 s', async () => {
    const { asked, find, pass, fail } = start()
    fail()
    for (let count = 0; count < 3; count += 1) await expect(find()).rejects.toMatchObject(UNAVAILABLE)
    pass(4)
    await expect(find()).rejects.toMatchObject({ ...UNAVAILABLE, retryAfter: 5 })
    expect(asked).toHaveLength(1)
    pass(1)
    await expect(find()).rejects.toMatchObject(UNAVAILABLE)
    expect(asked).toHaveLength(2)
  })

  it('with an error of the server itself tells nothing about it', async () => {
    const { find, fail } = start()
    const error = new TypeError('secret')
    fail(error)
    const message = 'The keys of the issuer cannot be fetched now'
    await expect(find()).rejects.toMatchObject({ ...UNAVAILABLE, message, cause: error })
  })
})
