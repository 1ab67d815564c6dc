import { vi } from 'vitest'

/** Long enough for a busy machine. The awaited events take milliseconds. */
const PATIENCE_MS = 30_000

/** Repeats a check until it does not throw, and returns its result. Throws the last error if that takes too long. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, PATIENCE_MS)
}
