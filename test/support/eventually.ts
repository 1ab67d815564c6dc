import { vi } from 'vitest'
import { PATIENCE_MS } from './until.ts'

/** Repeats a check until it does not throw. Returns the result. Throws the last error if that takes too long. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, PATIENCE_MS)
}
