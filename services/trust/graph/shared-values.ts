import { Rows } from './columns.ts'

/** Values by row. Values with the same key share a row. A value is forgotten when its last user releases it. */
export class SharedValues<T> {
  readonly #rows = new Rows()
  readonly #rowOf = new Map<string, number>()
  readonly #values: (T | undefined)[] = []
  readonly #keys: string[] = []
  readonly #users: number[] = []

  /** Number of different values. */
  get size(): number {
    return this.#rowOf.size
  }

  find(key: string): number | undefined {
    return this.#rowOf.get(key)
  }

  get(row: number): T | undefined {
    return this.#values[row]
  }

  /** Returns the row of the value with this key, and counts one more user. */
  hold(key: string, value: T): number {
    const known = this.#rowOf.get(key)
    if (known !== undefined) {
      this.#users[known] = (this.#users[known] ?? 0) + 1
      return known
    }
    const row = this.#rows.take()
    this.#rowOf.set(key, row)
    this.#values[row] = value
    this.#keys[row] = key
    this.#users[row] = 1
    return row
  }

  release(row: number): void {
    const users = (this.#users[row] ?? 0) - 1
    this.#users[row] = users
    if (users > 0) return
    this.#rowOf.delete(this.#keys[row] ?? '')
    this.#values[row] = undefined
    this.#keys[row] = ''
    this.#rows.giveBack(row)
  }
}
