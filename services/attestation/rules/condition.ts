import { type CelInput, celEnv, isCelError, parse, plan, unparse } from '@bufbuild/cel'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ClaimValue, VerifiedClaims } from '../types/attestor-type.ts'
import { checkForm, descendants, type Expression, pathOf } from './condition-form.ts'
import { createFunctions, type Spend } from './condition-functions.ts'
import { ConditionPatterns } from './condition-patterns.ts'
import { measureWork } from './condition-work.ts'
import type { CurrentResult } from './results.ts'
import type { WorkBudget } from './work-budget.ts'

/** What a condition, or a part of it, gives. An error counts as false. */
export type Outcome = 'true' | 'false' | 'error'

/** A part of a condition between `&&`. */
export interface ConditionPart {
  /** The part as CEL. */
  readonly text: string
  /** Paths of the values that it uses, such as `['claims', 'ci', 'ref']`. */
  readonly paths: readonly (readonly string[])[]
  evaluate(results: readonly CurrentResult[], budget: WorkBudget): Outcome
}

/** A compiled condition. */
export interface Condition {
  /** Names of the attestors that the condition names by a path. */
  readonly attestors: readonly string[]
  /** The parts between `&&`, in their order. */
  readonly parts: readonly ConditionPart[]
  /** Tells whether the condition holds for results. An error of the evaluation means false, a spent budget too. */
  holds(results: readonly CurrentResult[], budget: WorkBudget): boolean
}

const MAX_TEXT = 4096
/** Deepest nesting of brackets. The parser calls itself for each. */
const MAX_DEPTH = 32
const MAX_CACHED = 1000
/** Units of work to compile a condition, and for each of its characters, parts and patterns. */
const COMPILATION = 2000
const CHARACTER = 8
const PART = 1000
const PATTERN = 2000
const TOO_MUCH = 'The conditions of one call must not be so much work'
const cache = new Map<string, Condition>()

/**
 * Compiles a condition in CEL over `claims`, a map of verified claims by the name of the attestor, and `levels`, a map
 * of levels. Keeps the 1,000 conditions that were used last.
 *
 * @param budget pays when the condition is not kept
 * @throws ApiError INVALID_RULE
 */
export function compileCondition(text: string, budget?: WorkBudget): Condition {
  const condition = cache.get(text) ?? compile(text, budget)
  cache.delete(text)
  cache.set(text, condition)
  for (const oldest of cache.keys()) {
    if (cache.size <= MAX_CACHED) break
    cache.delete(oldest)
  }
  return condition
}

function compile(text: string, budget: WorkBudget | undefined): Condition {
  if (budget?.take(COMPILATION + text.length * CHARACTER) === false) throw new ApiError('INVALID_RULE', TOO_MUCH)
  const parsed = parseText(text)
  const patterns = new ConditionPatterns()
  checkForm(parsed.expr, (pattern) => patterns.add(pattern))
  const createEvaluator = evaluators(patterns)
  const evaluate = createEvaluator(parsed.expr)
  const parts = conjuncts(parsed.expr).map((expr) => ({
    text: unparse({ ...parsed, expr }),
    paths: pathsIn(expr),
    evaluate: createEvaluator(expr),
  }))
  budget?.take(patterns.size * PATTERN + parts.length * PART)
  const attestors = parts
    .flatMap(({ paths }) => paths.map(([, attestor]) => attestor))
    .filter((name) => name !== undefined)
  return { attestors: [...new Set(attestors)], parts, holds: (results, budget) => evaluate(results, budget) === 'true' }
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

/** Returns what makes evaluators of the expressions of one condition. They share what is costly to set up. */
function evaluators(patterns: ConditionPatterns): (expr: Expression) => ConditionPart['evaluate'] {
  let current: WorkBudget | undefined
  const spend: Spend = (units) => {
    if (!current?.take(units)) throw new Error(TOO_MUCH)
  }
  const funcs = createFunctions(spend, (pattern, text) => patterns.test(pattern, text, spend))
  const environment = celEnv({ funcs })
  return (expr) => {
    const run = plan(environment, expr)
    const workOf = measureWork(expr)
    return (results, budget) => {
      if (!budget.take(workOf(results))) return 'error'
      current = budget
      const value = withoutStacks(() => run({ claims: claimsOf(results), levels: levelsOf(results) }))
      if (isCelError(value) || typeof value !== 'boolean') return 'error'
      return value ? 'true' : 'false'
    }
  }
}

/** Each error of an evaluation is an Error, for which the engine collects a stack: six times the work of the rest. */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
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
