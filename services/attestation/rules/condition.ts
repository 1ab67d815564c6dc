import {
  type CelInput,
  CelScalar,
  celEnv,
  celFunc,
  celMethod,
  isCelError,
  objectType,
  parse,
  plan,
  unparse,
} from '@bufbuild/cel'
import { TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ClaimValue, VerifiedClaims } from '../types/attestor-type.ts'
import { checkForm, descendants, type Expression, pathOf } from './condition-form.ts'
import { ConditionPatterns } from './condition-patterns.ts'
import type { CurrentResult } from './results.ts'

/** What a condition, or a part of it, gives. An error counts as false. */
export type Outcome = 'true' | 'false' | 'error'

/** A part of a condition between `&&`. */
export interface ConditionPart {
  /** The part as CEL. */
  readonly text: string
  /** Paths of the values that it uses, such as `['claims', 'ci', 'ref']`. */
  readonly paths: readonly (readonly string[])[]
  evaluate(results: readonly CurrentResult[]): Outcome
}

/** A compiled condition. */
export interface Condition {
  /** Names of the attestors that the condition names by a path. */
  readonly attestors: readonly string[]
  /** The parts between `&&`, in their order. */
  readonly parts: readonly ConditionPart[]
  /** Tells whether the condition holds for results. An error of the evaluation means false. */
  holds(results: readonly CurrentResult[]): boolean
}

const MAX_TEXT = 4096
/** Deepest nesting of brackets. The parser calls itself for each. */
const MAX_DEPTH = 32
const MAX_CACHED = 1000
const cache = new Map<string, Condition>()

/**
 * Compiles a condition in CEL over `claims`, a map of verified claims by the name of the attestor, and `levels`, a map
 * of levels. Keeps the 1,000 conditions that were used last.
 *
 * @throws ApiError INVALID_RULE
 */
export function compileCondition(text: string): Condition {
  const condition = cache.get(text) ?? compile(text)
  cache.delete(text)
  cache.set(text, condition)
  for (const oldest of cache.keys()) {
    if (cache.size <= MAX_CACHED) break
    cache.delete(oldest)
  }
  return condition
}

function compile(text: string): Condition {
  const parsed = parseText(text)
  const patterns = new ConditionPatterns()
  checkForm(parsed.expr, (pattern) => patterns.add(pattern))
  const evaluate = evaluator(parsed.expr, patterns)
  const parts = conjuncts(parsed.expr).map((expr) => ({
    text: unparse({ ...parsed, expr }),
    paths: pathsIn(expr),
    evaluate: evaluator(expr, patterns),
  }))
  const attestors = parts
    .flatMap(({ paths }) => paths.map(([, attestor]) => attestor))
    .filter((name) => name !== undefined)
  return { attestors: [...new Set(attestors)], parts, holds: (results) => evaluate(results) === 'true' }
}

function parseText(text: string): ReturnType<typeof parse> {
  if (text.length > MAX_TEXT) throw invalid(`must have at most ${MAX_TEXT} characters`)
  if (!text.isWellFormed()) throw invalid('must be well-formed Unicode text')
  if (depthOf(text) > MAX_DEPTH) throw invalid(`must not nest brackets deeper than ${MAX_DEPTH}`)
  try {
    return parse(text)
  } catch (error) {
    throw invalid(`must be CEL${where(error)}`)
  }
}

/** Texts and comments, in which brackets do not nest. A text that does not end is left over. */
const QUOTED = new RegExp(
  [
    /[bB]?[rR][bB]?(?:"""[^]*?"""|'''[^]*?'''|"[^"\n]*"|'[^'\n]*')/,
    /"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''/,
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/,
    /\/\/[^\n]*/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const [bracket] of text.replaceAll(QUOTED, '').matchAll(/[()[\]{}]/g)) {
    depth = Math.max(0, depth + ('([{'.includes(bracket) ? 1 : -1))
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

function where(error: unknown): string {
  const [, line, column] = /<input>:(\d+):(\d+)/.exec(String(error)) ?? []
  return line === undefined ? '' : `: there is an error at line ${line}, column ${column}`
}

function conjuncts(expr: Expression): Expression[] {
  const { case: kind, value } = expr.exprKind
  return kind === 'callExpr' && value.function === '_&&_' ? value.args.flatMap(conjuncts) : [expr]
}

/** Returns the longest paths from `claims` and `levels`, each once. */
function pathsIn(expr: Expression): readonly (readonly string[])[] {
  const byText = new Map<string, readonly string[]>()
  for (const path of descendants(expr).map(pathOf)) {
    if (path?.[0] === 'claims' || path?.[0] === 'levels') byText.set(JSON.stringify(path).slice(0, -1), path)
  }
  const texts = [...byText.keys()]
  return [...byText].filter(([text]) => !texts.some((other) => other.startsWith(`${text},`))).map(([, path]) => path)
}

function evaluator(expr: Expression, patterns: ConditionPatterns): (results: readonly CurrentResult[]) => Outcome {
  const run = plan(environment(patterns), expr)
  return (results) => {
    patterns.begin()
    const value = run({ claims: claimsOf(results), levels: levelsOf(results) })
    if (isCelError(value) || typeof value !== 'boolean') return 'error'
    return value ? 'true' : 'false'
  }
}

function environment(patterns: ConditionPatterns) {
  const { BOOL, INT, STRING } = CelScalar
  const timestamp = objectType(TimestampSchema)
  return celEnv({
    funcs: [
      celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
        return patterns.test(pattern, this)
      }),
      // The library reads milliseconds. CEL counts seconds.
      celFunc('timestamp', [INT], timestamp, (seconds) => timestampFromMs(Number(seconds) * 1000)),
    ],
  })
}

function claimsOf(results: readonly CurrentResult[]): Map<string, Map<string, CelInput>> {
  return new Map(results.map(({ attestor, claims }) => [attestor, toMap(claims)]))
}

function toMap(claims: VerifiedClaims): Map<string, CelInput> {
  return new Map(Object.entries(claims).map(([name, value]) => [name, toCel(value)]))
}

function levelsOf(results: readonly CurrentResult[]): Map<string, string> {
  return new Map(results.map(({ attestor, level }) => [attestor, level]))
}

/** An integer is an int of CEL, so that `1 + claims.ci.attempt` is one too. */
function toCel(value: ClaimValue): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  return typeof value === 'object' ? [...value] : value
}

function invalid(demand: string): ApiError {
  return new ApiError('INVALID_RULE', `The condition ${demand}`)
}
