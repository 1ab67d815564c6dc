import { RE2JS } from '@bufbuild/re2'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_PATTERN = 256
/** Instructions of a compiled pattern. A counted repetition such as `a{1000}` is written out 1,000 times. */
const MAX_INSTRUCTIONS = 300
/** Longest text that a pattern is tried on. A claim is no longer. */
const MAX_TEXT = 1024
/** Instructions times characters in one evaluation: about 0.2 s at worst. */
const MAX_WORK = 1_000_000

/** The regular expressions of one condition. They are compiled once, and match in linear time (RE2). */
export class ConditionPatterns {
  readonly #compiled = new Map<string, { readonly pattern: RE2JS; readonly instructions: number }>()
  #work = 0

  /**
   * Compiles a pattern.
   *
   * @throws ApiError INVALID_RULE
   */
  add(text: string): void {
    if (text.length > MAX_PATTERN) {
      throw new ApiError('INVALID_RULE', `A pattern of matches must have at most ${MAX_PATTERN} characters`)
    }
    const pattern = compile(text)
    const instructions = pattern.re2().prog.numInst()
    if (instructions > MAX_INSTRUCTIONS) {
      throw new ApiError('INVALID_RULE', 'A pattern of matches must be smaller: it repeats too much')
    }
    this.#compiled.set(text, { pattern, instructions })
  }

  /** Begins an evaluation, so the work of earlier ones does not count. */
  begin(): void {
    this.#work = 0
  }

  /** Tells whether a pattern matches a part of the text. Throws Error when that would be too much work. */
  test(pattern: string, text: string): boolean {
    const found = this.#compiled.get(pattern)
    if (found === undefined) throw new Error('A pattern must be literal')
    this.#work += found.instructions * text.length
    if (text.length > MAX_TEXT || this.#work > MAX_WORK) throw new Error('Patterns must not be too much work')
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
