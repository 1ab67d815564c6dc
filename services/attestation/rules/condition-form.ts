import { shownName } from '@auth4agent/core/names/shown-name'
import type { parse } from '@bufbuild/cel'
import { ApiError } from '../../platform/errors/api-error.ts'

/** A node of a parsed condition. */
export type Expression = ReturnType<typeof parse>['expr']

type Node<Case extends Expression['exprKind']['case']> = Extract<Expression['exprKind'], { case: Case }>
type Call = NonNullable<Node<'callExpr'>['value']>
type Comprehension = NonNullable<Node<'comprehensionExpr'>['value']>

/** Names that a condition knows. */
const VARIABLES: readonly string[] = ['claims', 'levels']
/** What the parser calls the value that a macro builds up. */
const ACCUMULATOR = '@result'

const MAX_NODES = 512
/** Members of members. Claims are flat, so no value is deeper than 3, and the library plans long paths slowly. */
const MAX_PATH = 8
/** Each addition can make a text longer, so their number bounds the length of texts. */
const MAX_ADDITIONS = 16

/** Functions by the number of their arguments; methods count the text before the dot too. */
const FUNCTIONS: Readonly<Record<string, readonly number[]>> = {
  '!_': [1],
  '-_': [1],
  '_&&_': [2],
  '_||_': [2],
  '_?_:_': [3],
  '_==_': [2],
  '_!=_': [2],
  '_<_': [2],
  '_<=_': [2],
  '_>_': [2],
  '_>=_': [2],
  '_+_': [2],
  '_-_': [2],
  '_*_': [2],
  '_/_': [2],
  '_%_': [2],
  '_[_]': [2],
  '@in': [2],
  '@not_strictly_false': [1],
  size: [1],
  int: [1],
  double: [1],
  string: [1],
  bool: [1],
  timestamp: [1],
  duration: [1],
}
const METHODS: Readonly<Record<string, readonly number[]>> = {
  size: [1],
  contains: [2],
  startsWith: [2],
  endsWith: [2],
  matches: [2],
}
const MACROS: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one', 'map', 'filter', 'has'])

/**
 * Checks the form of a condition, which bounds the work of every evaluation: a macro goes over one list of claims and
 * contains no other macro, and nothing else repeats.
 *
 * @param addPattern is called with the pattern of each `matches`
 * @throws ApiError INVALID_RULE
 */
export function checkForm(root: Expression, addPattern: (pattern: string) => void): void {
  const nodes = descendants(root)
  if (nodes.length > MAX_NODES) throw invalid(`must have at most ${MAX_NODES} names, values and operators`)
  const additions = nodes.filter(
    ({ exprKind: { case: kind, value } }) => kind === 'callExpr' && value.function === '_+_',
  )
  if (additions.length > MAX_ADDITIONS)
    throw invalid(`must have at most ${MAX_ADDITIONS} of + and the macros with lists`)
  checkNode(root, { names: VARIABLES, inMacro: false, addPattern })
}

/** Returns a node and all nodes below it. Stops soon after the largest number of nodes. */
export function descendants(root: Expression): Expression[] {
  const found = [root]
  for (const node of found) {
    if (found.length > MAX_NODES) break
    found.push(...childrenOf(node))
  }
  return found
}

interface Scope {
  readonly names: readonly string[]
  readonly inMacro: boolean
  readonly addPattern: (pattern: string) => void
}

function checkNode(node: Expression, scope: Scope): void {
  const { case: kind, value } = node.exprKind
  if (kind === 'structExpr' || kind === undefined) throw invalid('must not build maps or messages')
  if (kind === 'comprehensionExpr') return checkMacro(value, scope)
  if (kind === 'identExpr' && !scope.names.includes(value.name)) {
    throw invalid(`must not use the name ${shownName(value.name)}: it knows only claims and levels`)
  }
  if (kind === 'constExpr') checkNumber(value.constantKind.value)
  if (kind === 'callExpr') checkCall(value, scope)
  if (depthOf(node) > MAX_PATH) throw invalid(`must not follow members deeper than ${MAX_PATH}`)
  for (const child of childrenOf(node)) checkNode(child, scope)
}

/** Counts the members that a node follows in a row. */
function depthOf(node: Expression): number {
  let depth = 0
  for (let next = operandOf(node); next !== undefined && depth <= MAX_PATH; next = operandOf(next)) depth++
  return depth
}

function operandOf({ exprKind: { case: kind, value } }: Expression): Expression | undefined {
  if (kind === 'selectExpr') return value.operand
  return kind === 'callExpr' && value.function === '_[_]' ? value.args[0] : undefined
}

function checkCall({ function: name, target, args }: Call, { addPattern }: Scope): void {
  const table = target === undefined ? FUNCTIONS : METHODS
  const counts = Object.hasOwn(table, name) ? table[name] : undefined
  const count = args.length + (target === undefined ? 0 : 1)
  if (counts === undefined) {
    const form = MACROS.has(name) ? ' in this form' : ''
    throw invalid(`must not call ${shownName(name)}${form}: no such function is known`)
  }
  if (!counts.includes(count)) throw invalid(`calls ${shownName(name)} with a wrong number of arguments`)
  if (name !== 'matches') return
  const pattern = args[0]?.exprKind
  if (pattern?.case !== 'constExpr' || pattern.value.constantKind.case !== 'stringValue') {
    throw invalid('must give matches a literal pattern')
  }
  addPattern(pattern.value.constantKind.value)
}

function checkMacro(macro: Comprehension, scope: Scope): void {
  const { iterRange, iterVar, accuInit, loopCondition, loopStep, result } = macro
  if (scope.inMacro) throw invalid('must not contain a macro within a macro')
  if (iterRange === undefined || !isRange(iterRange))
    throw invalid('must use macros only on claims and on literal lists')
  if (VARIABLES.includes(iterVar)) throw invalid(`must not use ${iterVar} as the name of an entry`)
  checkNode(iterRange, { ...scope, inMacro: true })
  const inside = { ...scope, names: [...scope.names, iterVar, ACCUMULATOR], inMacro: true }
  for (const part of [accuInit, loopCondition, loopStep, result]) if (part !== undefined) checkNode(part, inside)
}

/** Tells whether a macro may go over the value: a literal list, or a path such as `claims.ci.groups`. */
function isRange(node: Expression): boolean {
  return node.exprKind.case === 'listExpr' || pathOf(node) !== undefined
}

/**
 * Returns the path of a value, such as `['claims', 'ci', 'ref']` for `claims.ci["ref"]`; undefined if the node is no
 * path from a name.
 */
export function pathOf({ exprKind: { case: kind, value } }: Expression): readonly string[] | undefined {
  if (kind === 'identExpr') return [value.name]
  if (kind === 'selectExpr') return extend(value.operand, value.field)
  if (kind !== 'callExpr' || value.function !== '_[_]') return undefined
  const [operand, index] = value.args
  const key = index?.exprKind.case === 'constExpr' ? index.exprKind.value.constantKind : undefined
  return key?.case === 'stringValue' ? extend(operand, key.value) : undefined
}

function extend(operand: Expression | undefined, name: string): readonly string[] | undefined {
  const path = operand && pathOf(operand)
  return path && [...path, name]
}

/** The library reads integers that CEL does not have (language definition, section "Values"). */
function checkNumber(value: unknown): void {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value)
    throw invalid('must not use integers of more than 64 bits')
}

/** Returns the nodes directly below a node. */
export function childrenOf({ exprKind: { case: kind, value } }: Expression): Expression[] {
  const children: (Expression | undefined)[] = []
  if (kind === 'selectExpr') children.push(value.operand)
  if (kind === 'callExpr') children.push(value.target, ...value.args)
  if (kind === 'listExpr') children.push(...value.elements)
  if (kind === 'comprehensionExpr') {
    children.push(value.iterRange, value.accuInit, value.loopCondition, value.loopStep, value.result)
  }
  if (kind === 'structExpr') {
    for (const { keyKind, value: member } of value.entries) {
      children.push(keyKind.case === 'mapKey' ? keyKind.value : undefined, member)
    }
  }
  return children.filter((child) => child !== undefined)
}

function invalid(demand: string): ApiError {
  return new ApiError('INVALID_RULE', `The condition ${demand}`)
}
