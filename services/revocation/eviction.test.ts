import { beforeEach, expect, it } from 'vitest'
import { createEviction } from './eviction.ts'
import type { Lease } from './ports.ts'

let now: number
let removed: [string, number | undefined][]
let shown: readonly Lease[]
let evict: ReturnType<typeof createEviction>

beforeEach(() => {
  now = 5_000
  removed = []
  const store = {
    neighbours: async () => shown,
    async remove(incarnation: string, renewals?: number) {
      removed.push([incarnation, renewals])
    },
  }
  evict = createEviction(store, { monotonic: () => now, wall: () => 0, sleep: () => Promise.resolve() }, 0)
})

const lease = (renewals: number, leaseMs = 1_000): Lease => ({ incarnation: 'one', leaseMs, renewals })

/** The leases that the database contains at certain times, in milliseconds. */
type Seen = readonly (readonly [at: number, leases: readonly Lease[]])[]

async function show(seen: Seen): Promise<void> {
  for (const [at, leases] of seen) {
    now = 5_000 + at
    shown = leases
    await evict('me')
  }
}

it('createEviction removes a log follower whose renewals did not change for longer than its lease', async () => {
  await show([
    [0, [lease(3)]],
    [1_001, [lease(3)]],
  ])
  expect(removed).toEqual([['one', 3]])
})

it.each<[string, Seen]>([
  [
    'did not change for exactly its lease',
    [
      [0, [lease(3)]],
      [1_000, [lease(3)]],
    ],
  ],
  [
    "did not change for longer than another log follower's lease, but not longer than its own lease",
    [
      [0, [lease(3, 9_000)]],
      [5_000, [lease(3, 9_000)]],
    ],
  ],
  [
    'changed between two reads that are far apart',
    [
      [0, [lease(3)]],
      [5_000, [lease(4)]],
    ],
  ],
  [
    'did not change for less than its lease since the last change',
    [
      [0, [lease(3)]],
      [900, [lease(4)]],
      [1_800, [lease(4)]],
    ],
  ],
  ['are seen for the first time', [[9_000, [lease(3)]]]],
  [
    'are seen again after the log follower was absent',
    [
      [0, [lease(3)]],
      [500, []],
      [1_100, [lease(3)]],
    ],
  ],
])('createEviction keeps a log follower whose renewals %s', async (_, seen) => {
  await show(seen)
  expect(removed).toEqual([])
})

it('createEviction reads the leases at most once in its interval', async () => {
  let reads = 0
  const store = {
    async neighbours() {
      reads += 1
      return []
    },
    remove: async () => undefined,
  }
  const clock = { monotonic: () => now, wall: () => 0, sleep: () => Promise.resolve() }
  const look = createEviction(store, clock, 1_000)
  for (const at of [0, 500, 999, 1_000, 1_001, 2_000]) {
    now = at
    await look('me')
  }
  expect(reads).toBe(3)
})
