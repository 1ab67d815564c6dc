import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the protocol's test vectors are. */
export const VECTORS = join(import.meta.dirname, '../../vectors/protocol')

/** A vector. The type of `expect` depends on the file. */
export type Vector<Given, Expect = unknown> = Given & { readonly name: string; readonly expect: Expect }

/** What a file expects of something that is refused. */
export interface Refused {
  readonly refused: string
}

/** The content of a file of test vectors. The test that reads it declares its type. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(join(VECTORS, name), 'utf8'))
}

/** Whether a vector expects a refusal. */
export function isRefused(expected: unknown): expected is Refused {
  return typeof expected === 'object' && expected !== null && 'refused' in expected
}
