import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the protocol's test vectors. */
export const VECTORS = join(import.meta.dirname, '../../vectors/protocol')

/** A vector. The type of `expect` depends on the file. */
export type Vector<Given, Expect = unknown> = Given & { readonly name: string; readonly expect: Expect }

/** The `expect` of a vector that is refused. */
export interface Refused {
  readonly refused: string
}

/** Returns the content of a file of test vectors. The test that reads the file declares its type. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(join(VECTORS, name), 'utf8'))
}

/** Tells whether a vector expects a refusal. */
export function isRefused(expected: unknown): expected is Refused {
  return typeof expected === 'object' && expected !== null && 'refused' in expected
}

/** A text or an entry of a list that a file writes once. */
interface Repeated<T> {
  readonly repeat: T
  readonly times: number
}

/** A list in which some entries are written once for many. */
export type Pieces<T> = readonly (T | Repeated<T>)[]

/** Writes repeated entries of a list as often as the vector says. */
export function unfold<T>(pieces: Pieces<T>): T[] {
  return pieces.flatMap((piece) => (isRepeated(piece) ? Array<T>(piece.times).fill(piece.repeat) : [piece]))
}

function isRepeated<T>(piece: T | Repeated<T>): piece is Repeated<T> {
  return typeof piece === 'object' && piece !== null && 'repeat' in piece
}
