import { vi } from 'vitest'

/** The time limit in milliseconds. The expected events take a few milliseconds, but a busy machine may need longer. */
const PATIENCE_MS = 30_000

/** Repeats a check until it does not throw. Returns the result. Throws the last error if that takes too long. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, PATIENCE_MS)
}
