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

/** The leases that the database contains at certain times, in milliseconds. */
type Seen = readonly (readonly [at: number, members: readonly Member[]])[]

async function show(seen: Seen): Promise<void> {
  for (const [at, members] of seen) {
    now = 5_000 + at
    await evict(members)
  }
}

it('createEviction removes a log follower whose renewals did not change for longer than its lease', async () => {
  await show([
    [0, [member(3)]],
    [1_001, [member(3)]],
  ])
  expect(removed).toEqual([['one', 3]])
})

it.each<[string, Seen]>([
  [
    'did not change for exactly its lease',
    [
      [0, [member(3)]],
      [1_000, [member(3)]],
    ],
  ],
  [
    "did not change for longer than another log follower's lease, but not longer than its own lease",
    [
      [0, [member(3, 9_000)]],
      [5_000, [member(3, 9_000)]],
    ],
  ],
  [
    'changed between two reads that are far apart',
    [
      [0, [member(3)]],
      [5_000, [member(4)]],
    ],
  ],
  [
    'did not change for less than its lease since the last change',
    [
      [0, [member(3)]],
      [900, [member(4)]],
      [1_800, [member(4)]],
    ],
  ],
  ['are seen for the first time', [[9_000, [member(3)]]]],
  [
    'are seen again after the log follower was absent',
    [
      [0, [member(3)]],
      [500, []],
      [1_100, [member(3)]],
    ],
  ],
])('createEviction keeps a log follower whose renewals %s', async (_, seen) => {
  await show(seen)
  expect(removed).toEqual([])
})
