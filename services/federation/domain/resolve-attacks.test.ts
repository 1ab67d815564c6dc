import { describe, expect, it } from 'vitest'
import {
  ANCHOR,
  createKey,
  NOW_S,
  planConfiguration,
  SUBJECT,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { createNetwork } from '../../../test/support/federation/network.ts'
import { configurationUrl } from './entity-id.ts'

const A = 'https://a.example'
const B = 'https://b.example'
const OTHER = 'https://other-anchor.example'

function many(count: number, prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, at) => `https://${prefix}${at}.example`)
}

describe('an attack on the search: cycles', () => {
  it('ends only the hint that loops', async () => {
    const network = createNetwork({ [SUBJECT]: [A], [A]: [B], [B]: [A, SUBJECT, ANCHOR] })
    expect(await network.resolve([ANCHOR])).toMatchObject({
      ok: true,
      chain: { path: [SUBJECT, A, B, ANCHOR] },
      deadEnds: [
        { path: [SUBJECT, A, B], hint: A, rule: 'LOOP' },
        { path: [SUBJECT, A, B], hint: SUBJECT, rule: 'LOOP' },
      ],
    })
  })

  it('ends a subject that is its own superior', async () => {
    const network = createNetwork({ [SUBJECT]: [SUBJECT, ANCHOR] })
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: true, deadEnds: [{ hint: SUBJECT, rule: 'LOOP' }] })
  })
})

describe('an attack on the search: fan-out of hints', () => {
  it('ignores the ninth hint of an entity', async () => {
    const dead = many(7, 'd')
    const eighth = createNetwork({ [SUBJECT]: [...dead, ANCHOR] })
    const ninth = createNetwork({ [SUBJECT]: [...dead, A, ANCHOR] })
    expect(await eighth.resolve([ANCHOR])).toMatchObject({ ok: true })
    const refused = await ninth.resolve([ANCHOR])
    expect(refused).toMatchObject({ ok: false, rule: 'CHAIN_NOT_FOUND' })
    expect(refused.deadEnds[0]).toMatchObject({ path: [SUBJECT], hint: ANCHOR, rule: 'HINT_IGNORED' })
  })

  it('fetches at most 32 statements, and still finds the short chain', async () => {
    const [first, second] = [many(7, 'f'), many(8, 's')]
    const wide = Object.fromEntries(first.map((id) => [id, second]))
    const network = createNetwork({ [SUBJECT]: [...first, ANCHOR], ...wide })
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: true, chain: { anchor: ANCHOR }, cut: 'fetches' })
    expect(network.fetched).toHaveLength(32)
  })

  it('refuses with what it has if the fetches end before an anchor', async () => {
    const [first, second] = [many(8, 'f'), many(9, 's')]
    const wide = Object.fromEntries([...first.map((id) => [id, second]), [second.at(-1) ?? '', [ANCHOR]]])
    const network = createNetwork({ [SUBJECT]: first, ...wide })
    const refused = await network.resolve([ANCHOR])
    expect(refused).toMatchObject({ ok: false, rule: 'CHAIN_NOT_FOUND', cut: 'fetches' })
    expect(refused.deadEnds).toHaveLength(64)
  })

  it('verifies at most 16 chains', async () => {
    const layers = [0, 1, 2, 3, 4].map((layer) => many(2, `l${layer}-`))
    const upwards = layers.flatMap((layer, at) => layer.map((id) => [id, layers[at + 1] ?? [ANCHOR]] as const))
    // 32 chains of 8 statements. The anchor refuses them all.
    const network = createNetwork({ [SUBJECT]: layers[0] ?? [], ...Object.fromEntries(upwards) }, (iss, sub) =>
      iss === ANCHOR && sub !== ANCHOR ? { constraints: { max_path_length: 0 } } : {},
    )
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: false, cut: 'chains' })
  })
})

describe('an attack on the search: oversized and slow answers', () => {
  it('refuses a configuration of more than 64 KiB, and goes on', async () => {
    const network = createNetwork({ [SUBJECT]: [A, ANCHOR], [A]: [OTHER] }, (iss, sub) =>
      iss === A && sub === A ? { filler: 'a'.repeat(65_536) } : {},
    )
    expect(await network.resolve([OTHER, ANCHOR])).toMatchObject({
      ok: true,
      chain: { anchor: ANCHOR },
      deadEnds: [{ hint: A, rule: 'JWS_REFUSED' }],
    })
  })

  it('tells the fetch how many bytes and how much time are left', async () => {
    const limits: object[] = []
    const network = createNetwork({ [SUBJECT]: [ANCHOR] })
    const times = [0, 0, 0, 8_000, 9_000]
    const fetch = async (url: string, limit: object) => {
      limits.push(limit)
      return network.texts.get(url) ?? ''
    }
    await network.resolve([ANCHOR], { fetch, now: () => NOW_S * 1_000 + (times.shift() ?? 9_000) })
    expect(limits).toEqual([
      { maxBytes: 65_536, timeoutMs: 2_500 },
      { maxBytes: 65_536, timeoutMs: 2_000 },
      { maxBytes: 65_536, timeoutMs: 1_000 },
    ])
  })

  it('fetches at most 1 MiB', async () => {
    const [first, second] = [many(8, 'f'), many(8, 's')]
    const wide = Object.fromEntries(first.map((id) => [id, second]))
    const large = createNetwork({ [SUBJECT]: first, ...wide }, () => ({ filler: 'a'.repeat(48_000) }))
    const refused = await large.resolve([ANCHOR])
    expect(refused).toMatchObject({ ok: false, cut: 'bytes' })
    const bytes = large.fetched.reduce((sum, url) => sum + (large.texts.get(url)?.length ?? 0), 0)
    expect(bytes).toBeLessThanOrEqual(1_048_576 + 65_536)
  })

  it('ends 10 s after it began, with what it has', async () => {
    const network = createNetwork({ [SUBJECT]: [ANCHOR, A], [A]: [OTHER] })
    const now = () => NOW_S * 1_000 + (network.fetched.length < 3 ? 9_999 * Math.sign(network.fetched.length) : 10_000)
    expect(await network.resolve([OTHER, ANCHOR], { now })).toMatchObject({
      ok: true,
      chain: { anchor: ANCHOR },
      cut: 'time',
    })
    expect(network.fetched).toHaveLength(3)
  })

  it('fetches nothing more after it was aborted', async () => {
    const network = createNetwork({ [SUBJECT]: [ANCHOR] })
    const signal = AbortSignal.abort()
    expect(await network.resolve([ANCHOR], { signal })).toMatchObject({
      ok: false,
      rule: 'NOT_FETCHED',
      cut: 'aborted',
    })
    expect(network.fetched).toEqual([])
  })
})

describe('an attack on the search: a false configuration of the anchor', () => {
  it('refuses the configuration of an anchor under a key that is not pinned', async () => {
    const network = createNetwork({ [SUBJECT]: [ANCHOR] })
    const claims = { metadata: { federation_entity: { federation_fetch_endpoint: `${ANCHOR}/fetch` } } }
    network.texts.set(configurationUrl(ANCHOR), signStatement(planConfiguration(ANCHOR, createKey(), claims)))
    expect(await network.resolve([ANCHOR])).toMatchObject({ ok: false, rule: 'KEY_UNKNOWN', place: 1 })
  })
})
