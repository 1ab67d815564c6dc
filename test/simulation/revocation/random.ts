/** Random numbers that follow from a seed. */
export interface Random {
  /** Returns a number in [least, most). */
  between(least: number, most: number): number
  /** Returns an integer in [0, count). */
  below(count: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  shuffle<T>(of: readonly T[]): T[]
}

/** Creates a mulberry32 generator, which is good enough to draw schedules. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    between: (least, most) => least + next() * (most - least),
    below,
    chance: (probability) => next() < probability,
    pick<T>(from: readonly T[]): T {
      const chosen = from[below(from.length)]
      if (chosen === undefined) throw new Error('There is nothing to pick from')
      return chosen
    },
    shuffle: (of) =>
      of
        .map((value) => ({ value, order: next() }))
        .toSorted((one, other) => one.order - other.order)
        .map(({ value }) => value),
  }
}
