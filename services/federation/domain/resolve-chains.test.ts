import { describe, expect, it } from 'vitest'
import { ANCHOR, NOW_S, SUBJECT } from '../../../test/support/federation/entities.ts'
import { createNetwork, fetchUrl } from '../../../test/support/federation/network.ts'
import { configurationUrl } from './entity-id.ts'
import { resolveChains } from './resolve-chains.ts'

const A = 'https://a.example'
const B = 'https://b.example'
const C = 'https://c.example'
const OTHER = 'https://other-anchor.example'
const AS = 'oauth_authorization_server'

/** Links entities in a row, each below the next. */
function inARow(...ids: readonly string[]) {
  return Object.fromEntries(ids.slice(0, -1).map((id, at) => [id, ids.slice(at + 1, at + 2)]))
}

describe('resolveChains', () => {
  it.each([0, 1, 5])('finds a chain with %i intermediates, and fetches each statement once', async (intermediates) => {
    const middle = Array.from({ length: intermediates }, (_, at) => `https://i${at}.example`)
    const network = createNetwork(inARow(SUBJECT, ...middle, ANCHOR))
    const found = await network.resolve([ANCHOR])
    expect(found).toMatchObject({
      ok: true,
      chain: { path: [SUBJECT, ...middle, ANCHOR] },
      deadEnds: [],
      cut: undefined,
    })
    expect(network.fetched.toSorted()).toEqual([...network.texts.keys()].toSorted())
  })

  it('returns the statements of the chain in their order', async () => {
    const network = createNetwork(inARow(SUBJECT, A, ANCHOR))
    const urls = [configurationUrl(SUBJECT), fetchUrl(A, SUBJECT), fetchUrl(ANCHOR, A), configurationUrl(ANCHOR)]
    expect(await network.resolve([ANCHOR])).toMatchObject({ statements: urls.map((url) => network.texts.get(url)) })
  })

  it('refuses a chain with six intermediates', async () => {
    const middle = Array.from({ length: 6 }, (_, at) => `https://i${at}.example`)
    const found = await createNetwork(inARow(SUBJECT, ...middle, ANCHOR)).resolve([ANCHOR])
    expect(found).toMatchObject({
      ok: false,
      rule: 'CHAIN_NOT_FOUND',
      deadEnds: [{ hint: 'https://i5.example', rule: 'TOO_DEEP' }],
    })
  })

  it('refuses a text that is not an entity identifier, and fetches nothing', async () => {
    const network = createNetwork({})
    const fetch = async (url: string) => network.texts.get(url) ?? ''
    const found = await resolveChains('https://AS.example', [], { fetch, now: () => 0 })
    expect(found).toMatchObject({ ok: false, rule: 'CLAIM_MALFORMED' })
    expect(network.fetched).toEqual([])
  })

  it('refuses a subject without a configuration', async () => {
    const text = `"${configurationUrl(SUBJECT)}" must answer with an entity statement: "404"`
    expect(await createNetwork({}).resolve([ANCHOR])).toMatchObject({ ok: false, rule: 'NOT_FETCHED', text })
  })

  it('refuses a subject below an entity that is not an anchor', async () => {
    const found = await createNetwork(inARow(SUBJECT, A)).resolve([ANCHOR])
    expect(found).toMatchObject({ rule: 'CHAIN_NOT_FOUND', deadEnds: [{ hint: A, rule: 'ANCHOR_UNKNOWN' }] })
  })

  it('asks a fetch endpoint with a query', async () => {
    const metadata = { federation_entity: { federation_fetch_endpoint: `${ANCHOR}/f?a=1&sub=x` } }
    const network = createNetwork(inARow(SUBJECT, ANCHOR), (iss, sub) =>
      iss === sub && iss === ANCHOR ? { metadata } : {},
    )
    await network.resolve([ANCHOR])
    expect(network.fetched.at(-1)).toBe(`${ANCHOR}/f?a=1&sub=${encodeURIComponent(SUBJECT)}`)
  })
})

describe('resolveChains, the choice', () => {
  it('takes the first anchor, even if the chain is longer', async () => {
    const network = createNetwork({ [SUBJECT]: [OTHER, A], [A]: [ANCHOR] })
    expect(await network.resolve([ANCHOR, OTHER])).toMatchObject({
      chain: { anchor: ANCHOR, path: [SUBJECT, A, ANCHOR] },
    })
    expect(await network.resolve([OTHER, ANCHOR])).toMatchObject({ chain: { anchor: OTHER, path: [SUBJECT, OTHER] } })
  })

  it('takes the shortest chain to an anchor, even if it is hinted last', async () => {
    const network = createNetwork({ [SUBJECT]: [A, ANCHOR], [A]: [ANCHOR] })
    expect(await network.resolve([ANCHOR])).toMatchObject({ chain: { path: [SUBJECT, ANCHOR] } })
  })

  it('takes the first path by its bytes among chains of one length', async () => {
    const network = createNetwork({ [SUBJECT]: [B, A], [A]: [ANCHOR], [B]: [ANCHOR] })
    expect(await network.resolve([ANCHOR])).toMatchObject({ chain: { path: [SUBJECT, A, ANCHOR] } })
  })

  it('takes the next chain if the preferred one does not hold', async () => {
    const network = createNetwork({ [SUBJECT]: [ANCHOR, A], [A]: [ANCHOR] }, (iss, sub) =>
      iss === ANCHOR && sub === SUBJECT ? { constraints: { allowed_entity_types: [] } } : {},
    )
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: true, chain: { path: [SUBJECT, A, ANCHOR] } })
  })

  it('says why the preferred chain does not hold if none does', async () => {
    const network = createNetwork({ [SUBJECT]: [A, ANCHOR], [A]: [ANCHOR] }, (iss, sub) => {
      if (iss !== ANCHOR || sub === ANCHOR) return {}
      return sub === SUBJECT ? { exp: NOW_S } : { constraints: { max_path_length: 0 } }
    })
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: false, rule: 'EXPIRED', place: 1 })
  })

  it('goes on above an anchor that is an intermediate of another one', async () => {
    const network = createNetwork(inARow(SUBJECT, OTHER, ANCHOR))
    expect(await network.resolve([ANCHOR, OTHER])).toMatchObject({ chain: { path: [SUBJECT, OTHER, ANCHOR] } })
    expect(await network.resolve([OTHER])).toMatchObject({ chain: { path: [SUBJECT, OTHER] } })
  })

  it('never merges the metadata of two chains', async () => {
    const network = createNetwork({ [SUBJECT]: [A, B], [A]: [ANCHOR], [B]: [ANCHOR] }, (iss, sub) =>
      sub === SUBJECT && iss !== SUBJECT ? { metadata: { [AS]: { [new URL(iss).hostname]: true } } } : {},
    )
    expect(await network.resolve([ANCHOR])).toMatchObject({
      chain: { metadata: new Map([[AS, { issuer: SUBJECT, 'a.example': true }]]) },
    })
  })
})

describe('resolveChains, a hint that leads nowhere', () => {
  /** The chain through A would be taken, because its anchor comes first. */
  const viaA = { [SUBJECT]: [A, ANCHOR], [A]: [OTHER] }

  it.each([
    ['whose configuration is missing', configurationUrl(A), 'NOT_FETCHED'],
    ['whose superior says nothing about the subject', fetchUrl(A, SUBJECT), 'NOT_FETCHED'],
  ])('ends alone if it is an entity %s', async (_, url, rule) => {
    const network = createNetwork(viaA)
    network.texts.delete(url)
    expect(await network.resolve([OTHER, ANCHOR])).toMatchObject({
      ok: true,
      chain: { path: [SUBJECT, ANCHOR] },
      deadEnds: [{ path: [SUBJECT], hint: A, rule }],
    })
  })

  it.each<[string, (iss: string, sub: string) => boolean, Record<string, unknown>, string]>([
    ['with an expired configuration', (iss, sub) => iss === A && sub === A, { exp: NOW_S }, 'EXPIRED'],
    [
      'with a configuration from the future',
      (iss, sub) => iss === A && sub === A,
      { iat: NOW_S + 11 },
      'NOT_YET_VALID',
    ],
    ['with a malformed configuration', (iss, sub) => iss === A && sub === A, { metadata: [] }, 'CLAIM_MALFORMED'],
    [
      'without the key of its configuration',
      (iss, sub) => iss === A && sub === A,
      { jwks: { keys: [] } },
      'KEY_UNKNOWN',
    ],
    ['without metadata', (iss, sub) => iss === A && sub === A, { metadata: {} }, 'FETCH_ENDPOINT_MISSING'],
    [
      'with an http endpoint',
      (iss, sub) => iss === A && sub === A,
      endpoint('http://a.example/fetch'),
      'FETCH_ENDPOINT_MISSING',
    ],
    [
      'with an endpoint of 2,049 characters',
      (iss, sub) => iss === A && sub === A,
      endpoint(`${A}/${'f'.repeat(2_031)}`),
      'FETCH_ENDPOINT_MISSING',
    ],
    [
      'with the configuration of another entity',
      (iss, sub) => iss === A && sub === A,
      { iss: C, sub: C },
      'WRONG_STATEMENT',
    ],
    [
      'with the configuration of itself with a slash',
      (iss, sub) => iss === A && sub === A,
      { iss: `${A}/`, sub: `${A}/` },
      'WRONG_STATEMENT',
    ],
    ['that speaks about another subject', (iss, sub) => iss === A && sub === SUBJECT, { sub: C }, 'WRONG_STATEMENT'],
    [
      'that shows the statement of another superior',
      (iss, sub) => iss === A && sub === SUBJECT,
      { iss: C },
      'WRONG_STATEMENT',
    ],
  ])('ends alone if it is an entity %s', async (_, concerns, claims, rule) => {
    const network = createNetwork(viaA, (iss, sub) => (concerns(iss, sub) ? claims : {}))
    expect(await network.resolve([OTHER, ANCHOR])).toMatchObject({
      ok: true,
      chain: { path: [SUBJECT, ANCHOR] },
      deadEnds: [{ path: [SUBJECT], hint: A, rule }],
    })
  })

  it('counts once if it is repeated', async () => {
    const network = createNetwork({ [SUBJECT]: [A, ANCHOR], [A]: [OTHER] }, (iss, sub) =>
      iss === SUBJECT && sub === SUBJECT ? { authority_hints: [...Array(8).fill(A), ANCHOR] } : {},
    )
    const found = await network.resolve([ANCHOR])
    expect(found).toMatchObject({ ok: true, deadEnds: [{ hint: OTHER, rule: 'ANCHOR_UNKNOWN' }] })
    expect(found.deadEnds).toHaveLength(1)
  })
})

function endpoint(url: string): Record<string, unknown> {
  return { metadata: { federation_entity: { federation_fetch_endpoint: url } } }
}
