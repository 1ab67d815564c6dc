import { childrenOf, type Expression, pathOf } from './condition-form.ts'
import { type CurrentResult, claimOf } from './results.ts'

/** For a call, a path or a list: an error in it costs about 5 µs. */
const NODE = 100
const CONSTANT = 2
/** For the beginning of an evaluation. */
const EVALUATION = 200

/** A macro of a condition. */
interface Macro {
  /** What it goes over: the path of a value, or the number of entries of a literal list. */
  readonly range: readonly string[] | number
  /** Units for each entry. */
  readonly units: number
}

/**
 * Measures an expression. Returns a function that tells how much its evaluation costs at most, without the work of the
 * functions in it, which depends on the length of values. No macro contains another one, so this is a plain sum.
 */
export function measureWork(root: Expression): (results: readonly CurrentResult[]) => number {
  const macros: Macro[] = []
  const outside = unitsOf(root, macros)
  return (results) =>
    macros.reduce(
      (sum, { range, units }) => sum + units * (1 + entriesOf(range, results)),
      EVALUATION + outside + claimsOf(results),
    )
}

/** Sums up the nodes outside of macros, and collects the macros. */
function unitsOf(node: Expression, macros: Macro[]): number {
  const { case: kind, value } = node.exprKind
  if (kind === 'constExpr') return CONSTANT
  if (kind !== 'comprehensionExpr') {
    return childrenOf(node).reduce((sum, child) => sum + unitsOf(child, macros), NODE)
  }
  const [range, ...parts] = childrenOf(node)
  const units = parts.reduce((sum, part) => sum + unitsOf(part, macros), NODE)
  macros.push({ range: rangeOf(value.iterRange), units })
  return range === undefined ? 0 : unitsOf(range, macros)
}

function rangeOf(node: Expression | undefined): Macro['range'] {
  if (node?.exprKind.case === 'listExpr') return node.exprKind.value.elements.length
  return (node && pathOf(node)) ?? []
}

function entriesOf(range: Macro['range'], results: readonly CurrentResult[]): number {
  if (typeof range === 'number') return range
  const [, attestor, claim] = range
  if (attestor === undefined) return results.length
  const claims = results.find((result) => result.attestor === attestor)?.claims ?? {}
  const value = claim === undefined ? Object.keys(claims) : claimOf(claims, claim)
  return typeof value === 'object' ? value.length : 0
}

/** The library gets copies of all claims. */
function claimsOf(results: readonly CurrentResult[]): number {
  return results.flatMap(({ claims }) => Object.values(claims)).reduce<number>((sum, value) => sum + sizeOf(value), 0)
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? 1 + value.length : 1
}
