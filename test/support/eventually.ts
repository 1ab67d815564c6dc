import { vi } from 'vitest'

/** Long enough for a busy machine: what is awaited takes milliseconds. */
const PATIENCE_MS = 30_000

/** Checks again and again until nothing is thrown, and returns the answer. Throws what was thrown at last. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, PATIENCE_MS)
}
