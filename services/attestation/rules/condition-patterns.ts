import { RE2JS } from '@bufbuild/re2'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Spend } from './condition-functions.ts'

const MAX_PATTERN = 256
/** Instructions of a compiled pattern. A counted repetition such as `a{1000}` is written out 1,000 times. */
const MAX_INSTRUCTIONS = 300
/**
 * Patterns are ASCII without classes of Unicode and codes of characters. The library may need 20 ms to compile a range
 * such as `(?i)[\x{100}-\x{ffff}]`.
 */
const ASCII = /^[ -~]*$/
const UNICODE = /(?:^|[^\\])(?:\\\\)*\\[pPx]/
/** Longest text that a pattern is tried on. A claim is no longer. */
const MAX_TEXT = 1024
/** Instructions of all patterns of a condition. */
const MAX_ALL_INSTRUCTIONS = 1000

/** The regular expressions of one condition. They are compiled once, and match in linear time (RE2). */
export class ConditionPatterns {
  readonly #compiled = new Map<string, { readonly pattern: RE2JS; readonly instructions: number }>()
  #instructions = 0

  /** How many patterns there are. */
  get size(): number {
    return this.#compiled.size
  }

  /**
   * Compiles a pattern.
   *
   * @throws ApiError INVALID_RULE
   */
  add(text: string): void {
    if (this.#compiled.has(text)) return
    if (text.length > MAX_PATTERN) {
      throw new ApiError('INVALID_RULE', `A pattern of matches must have at most ${MAX_PATTERN} characters`)
    }
    if (!ASCII.test(text) || UNICODE.test(text)) {
      throw new ApiError('INVALID_RULE', 'A pattern of matches must be ASCII, without \\p, \\P and \\x')
    }
    const pattern = compile(text)
    const instructions = pattern.re2().prog.numInst()
    if (instructions > MAX_INSTRUCTIONS) {
      throw new ApiError('INVALID_RULE', 'A pattern of matches must be smaller: it repeats too much')
    }
    this.#instructions += instructions
    if (this.#instructions > MAX_ALL_INSTRUCTIONS) {
      throw new ApiError('INVALID_RULE', 'The patterns of a condition must be smaller together')
    }
    this.#compiled.set(text, { pattern, instructions })
  }

  /** Tells whether a pattern matches a part of the text. Pays for it before. */
  test(pattern: string, text: string, spend: Spend): boolean {
    const found = this.#compiled.get(pattern)
    if (found === undefined) throw new Error('A pattern must be literal')
    if (text.length > MAX_TEXT) throw new Error(`A pattern is tried on at most ${MAX_TEXT} characters`)
    spend(found.instructions * text.length)
    return found.pattern.test(text)
  }
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text)
  } catch {
    throw new ApiError('INVALID_RULE', 'The pattern of matches must be a regular expression of RE2')
  }
}
