import { describe, expect, it } from 'vitest'
import { isUsable, readCopy } from './admission-copy.ts'
import { callerKey } from './choose-admission.ts'
import type { Admission, AdmissionPage } from './read-answer.ts'

const SKEW_MS = 10_000
const row = (name: string, scopes = { read: ['orders:read'] }): Admission => ({
  issuer: 'https://alpha.example',
  domain: `${name}.example`,
  operatorId: 'a0000000-0000-8000-8000-000000000001',
  scopes,
  edges: [],
  authors: [],
  expiresAt: 0,
})
const page = (edits: Partial<AdmissionPage> = {}): AdmissionPage => ({
  admissions: [],
  issuers: new Map(),
  boundOnly: false,
  position: { logEpoch: 3, sequence: 10 },
  asOf: Date.now(),
  maxAgeS: 1_800,
  next: '',
  ...edits,
})
const at = (logEpoch: number, sequence: number) => ({ position: { logEpoch, sequence } })

/** Reads a copy from pages by their tokens. */
const read = (pages: Readonly<Record<string, AdmissionPage>>, before?: Awaited<ReturnType<typeof readCopy>>) =>
  readCopy({ readPage: async (token) => pages[token] ?? expect.fail(token), before, skewMs: SKEW_MS })

describe('readCopy', () => {
  it('reads all pages, and keeps the position and the moment of the first one', async () => {
    const [first, second] = [row('acme'), row('acme', { read: ['orders:list'] })]
    const copy = await read({
      '': page({ admissions: [first], next: 'next' }),
      next: page({ ...at(3, 12), admissions: [second, row('bolt')], boundOnly: true, maxAgeS: 60 }),
    })
    expect(copy).toMatchObject({ position: { sequence: 10 }, size: 3, boundOnly: true, maxAgeMs: 60_000 })
    expect(copy.byCaller.get(callerKey(first))).toEqual([first, second])
    expect([isUsable(copy, copy.readAt), isUsable(copy, later(copy.readAt, 59_999))]).toEqual([true, true])
    expect(isUsable(copy, later(copy.readAt, 60_000))).toBe(false)
  })

  it('never uses a copy for longer than half an hour, whatever the server says', async () => {
    const copy = await read({ '': page({ maxAgeS: 86_400 }) })
    expect(isUsable(copy, later(copy.readAt, 1_799_999))).toBe(true)
    expect(isUsable(copy, later(copy.readAt, 1_800_000))).toBe(false)
  })

  it('begins the half hour before the first request, however long the answer takes', async () => {
    const began = performance.now()
    let answered = began
    const readPage = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      answered = performance.now()
      return page()
    }
    const copy = await readCopy({ readPage, before: undefined, skewMs: SKEW_MS })
    expect(copy.readAt.monotonic).toBeGreaterThanOrEqual(began)
    expect(copy.readAt.monotonic).toBeLessThan(answered)
  })

  it.each([
    ['an earlier sequence', at(3, 9)],
    ['an earlier log epoch', at(2, 99)],
  ])(
    'refuses %s than that of the copy before, which a restored database or a stale reader may have',
    async (_, edits) => {
      const before = await read({ '': page() })
      await expect(read({ '': page(edits) }, before)).rejects.toThrow('earlier position')
      await expect(read({ '': page({ next: 'next' }), next: page(edits) })).rejects.toThrow('earlier position')
    },
  )

  it('takes a later log epoch, also with a lower sequence', async () => {
    const before = await read({ '': page() })
    expect((await read({ '': page(at(4, 1)) }, before)).position).toEqual({ logEpoch: 4, sequence: 1 })
  })

  it('refuses an answer that was read before it was asked for, as a cache gives it', async () => {
    await expect(read({ '': page({ asOf: Date.now() - SKEW_MS - 1_000 }) })).rejects.toThrow(
      'before they were asked for',
    )
  })

  it('refuses pages that do not end, and stops after 10,000 admissions', async () => {
    await expect(read({ '': page({ next: 'again' }), again: page({ next: 'again' }) })).rejects.toThrow('do not end')
    const admissions = Array.from({ length: 5_000 }, (_, index) => row(`a${index}`))
    let pages = 0
    const readPage = async () => {
      pages += 1
      return page({ admissions, next: String(pages) })
    }
    expect((await readCopy({ readPage, before: undefined, skewMs: SKEW_MS })).size).toBe(10_000)
    expect(pages).toBe(2)
  })
})

function later({ monotonic, wall }: { readonly monotonic: number; readonly wall: number }, ms: number) {
  return { monotonic: monotonic + ms, wall: wall + ms }
}
