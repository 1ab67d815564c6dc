import { beforeEach, expect, it } from 'vitest'
import { createEviction } from './eviction.ts'
import type { Member } from './ports.ts'

let now: number
let removed: [string, number | undefined][]
let evict: ReturnType<typeof createEviction>

beforeEach(() => {
  now = 5_000
  removed = []
  const store = {
    async remove(incarnation: string, renewals?: number) {
      removed.push([incarnation, renewals])
    },
  }
  evict = createEviction(store, { monotonic: () => now, wall: () => 0, sleep: () => Promise.resolve() })
})

const member = (renewals: number, leaseMs = 1_000): Member => ({
  incarnation: 'one',
  leaseMs,
  renewals,
  logEpoch: 1,
  acknowledged: 0,
})

/** Members as they are seen at times, in milliseconds. */
type Seen = readonly (readonly [at: number, members: readonly Member[]])[]

async function show(seen: Seen): Promise<void> {
  for (const [at, members] of seen) {
    now = 5_000 + at
    await evict(members)
  }
}

it('removes a member whose renewals have stood still for longer than its lease, and only as it was seen', async () => {
  await show([
    [0, [member(3)]],
    [1_001, [member(3)]],
  ])
  expect(removed).toEqual([['one', 3]])
})

it.each<[string, Seen]>([
  [
    'for no longer than its lease',
    [
      [0, [member(3)]],
      [1_000, [member(3)]],
    ],
  ],
  [
    'for longer than ours, but its own is longer',
    [
      [0, [member(3, 9_000)]],
      [5_000, [member(3, 9_000)]],
    ],
  ],
  [
    'seldom seen, but moved',
    [
      [0, [member(3)]],
      [5_000, [member(4)]],
    ],
  ],
  [
    'since it moved last',
    [
      [0, [member(3)]],
      [900, [member(4)]],
      [1_800, [member(4)]],
    ],
  ],
  ['seen the first time, however old it is', [[9_000, [member(3)]]]],
  [
    'gone and seen again',
    [
      [0, [member(3)]],
      [500, []],
      [1_100, [member(3)]],
    ],
  ],
])('leaves a member whose renewals have stood still %s', async (_, seen) => {
  await show(seen)
  expect(removed).toEqual([])
})
