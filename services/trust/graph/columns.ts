const FIRST_CAPACITY = 64
/** Small, because a graph has many columns, and most of them never grow again. */
const GROWTH = 1.25

/** Numbers by row. A row that was never set is 0. Grows by a part of its size, so appending is O(1) on average. */
export class Column<T extends Uint8Array | Int32Array | Float64Array> {
  readonly #make: (capacity: number) => T
  #values: T

  constructor(make: (capacity: number) => T) {
    this.#make = make
    this.#values = make(FIRST_CAPACITY)
  }

  get(row: number): number {
    return this.#values[row] ?? 0
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) {
      const grown = this.#make(Math.max(row + 1, Math.ceil(this.#values.length * GROWTH)))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[row] = value
  }
}

/** Returns a column of whole numbers. */
export const ints = (): Column<Int32Array> => new Column((capacity) => new Int32Array(capacity))

/** Returns a column of whole numbers from 0 to 255. */
export const bytes = (): Column<Uint8Array> => new Column((capacity) => new Uint8Array(capacity))

/** Returns a column of numbers of any size, such as times. */
export const doubles = (): Column<Float64Array> => new Column((capacity) => new Float64Array(capacity))

/** Rows 0, 1, 2 and so on. A row that was given back is taken again first, so rows that come and go need no memory. */
export class Rows {
  readonly #free: number[] = []
  #used = 0

  take(): number {
    return this.#free.pop() ?? this.#used++
  }

  giveBack(row: number): void {
    this.#free.push(row)
  }
}

/** Doubly linked lists of rows. Adding and removing a row is O(1). A row is in one list at a time. */
export class LinkedRows {
  // Links contain the row plus one, because 0 means none.
  readonly #head = ints()
  readonly #next = ints()
  readonly #previous = ints()

  add(list: number, row: number): void {
    const head = this.#head.get(list)
    this.#next.set(row, head)
    this.#previous.set(row, 0)
    if (head !== 0) this.#previous.set(head - 1, row + 1)
    this.#head.set(list, row + 1)
  }

  remove(list: number, row: number): void {
    const next = this.#next.get(row)
    const previous = this.#previous.get(row)
    if (next !== 0) this.#previous.set(next - 1, previous)
    if (previous === 0) this.#head.set(list, next)
    else this.#next.set(previous - 1, next)
  }

  /** Calls `visit` with each row of a list. `visit` must not change the lists. */
  each(list: number, visit: (row: number) => void): void {
    for (let link = this.#head.get(list); link !== 0; link = this.#next.get(link - 1)) visit(link - 1)
  }
}
