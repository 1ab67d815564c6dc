import { NOW_MS } from './log-records.ts'

const at = (ms: number) => NOW_MS + ms

/** Makes a case of heads on one connection: the watcher's clock when a head arrives, and the server's clock in it. */
const measured = (
  name: string,
  heads: readonly (readonly [received: number, observed: number])[],
  ...known: readonly (number | 'refused')[]
) => ({
  name,
  clock_skew_ms: 10_000,
  connected_at_ms: at(0),
  heads: heads.map(([received, observed]) => ({ received_at_ms: at(received), observed_at_ms: at(observed) })),
  expect: known.map((ms) => (ms === 'refused' ? ms : at(ms))),
})

/** Makes cases of the time up to which a watcher has certainly read the whole log. */
export function ages(): object[] {
  const calm = [0, 1000] as const
  return [
    measured('the first head counts from the start of the connection', [[200, 100]], 0),
    measured(
      'a later head counts later by the difference of the times in both heads',
      [
        [200, 100],
        [1200, 1100],
      ],
      ...calm,
    ),
    measured(
      'a head that the network held back',
      [
        [200, 100],
        [9000, 1100],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that is 5 s behind",
      [
        [200, -4900],
        [1200, -3900],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that is 5 s ahead",
      [
        [200, 5100],
        [1200, 6100],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that runs fast: a head never counts later than it arrives",
      [
        [200, 100],
        [1200, 2000],
        [2200, 3000],
        [3200, 3500],
      ],
      0,
      1200,
      2200,
      2700,
    ),
    measured('a first head that is exactly as old as the clock skew allows', [[200, -10_000]], 0),
    measured(
      'a first head that is older than the clock skew allows, as if somebody had kept it',
      [[200, -10_001]],
      'refused',
    ),
  ]
}
