import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

/**
 * A request of the contract tests and its answer, with made-up ids, keys, times and signatures. The contract test of
 * the document makes each request, and compares both.
 */
export interface Example {
  /** The request in protobuf JSON. */
  readonly request: JsonObject
  readonly status: number
  readonly mediaType: string
  /** The body of the answer: JSON, or another text. */
  readonly answer: JsonValue
}

/** The examples by the name of their method, `Service.Method`. */
export type Examples = Readonly<Record<string, Example>>

/** The file with the examples. `vitest run test/contract/openapi.test.ts -u` writes it. */
export const EXAMPLES_FILE = join(import.meta.dirname, 'examples.json')

/** Reads the examples. */
export function readExamples(): Examples {
  return JSON.parse(readFileSync(EXAMPLES_FILE, 'utf8'))
}
