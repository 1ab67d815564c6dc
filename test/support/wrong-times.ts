/** Values that no reader of a JWT accepts as a time, with names for tests. */
export const WRONG_TIMES: readonly (readonly [name: string, value: unknown])[] = [
  ['a fraction', 1_800_000_000.5],
  ['a text', '1800000000'],
  ['0', 0],
  ['a negative number', -1],
  ['milliseconds', 1_800_000_000_000],
  ['an inexact number', 2 ** 60],
  ['a list', [1_800_000_000]],
  ['true', true],
  ['null', null],
]
