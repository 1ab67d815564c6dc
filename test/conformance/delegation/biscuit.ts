import type { Constraint, Range } from '@auth4agent/core/delegation/constraint'
import { AuthorizerBuilder, Biscuit, KeyPair, SignatureAlgorithm } from '@biscuit-auth/biscuit-wasm'
import type { CallArguments, Tools, WireArguments } from '../../simulation/delegation/wire.ts'

/** Far above what a call here needs, so that a slow machine decides the same. */
const LIMITS = { max_facts: 1_000, max_iterations: 100, max_time_micro: 10_000_000 }
const key = new KeyPair(SignatureAlgorithm.Ed25519)

/**
 * Makes a Biscuit that limits calls as a chain of grants does: each grant is one block of checks.
 *
 * @returns a function that tells whether the Biscuit permits a call.
 */
export function biscuitOf(hops: readonly Tools[]): (capability: string, args: NonNullable<CallArguments>) => boolean {
  let token = Biscuit.builder().build(key.getPrivateKey())
  for (const tools of hops) {
    const block = Biscuit.block_builder()
    block.addCode(checksOf(tools).join('\n'))
    token = token.appendBlock(block)
  }
  const read = Biscuit.fromBytes(token.toBytes(), key.getPublicKey())
  return (capability, args) => {
    const facts = Object.entries(args).map(([name, value]) => `arg(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
    const builder = new AuthorizerBuilder()
    builder.addCode(`call(${JSON.stringify(capability)}); ${facts.join(' ')} allow if true;`)
    return isAuthorized(() => builder.buildAuthenticated(read).authorizeWithLimits(LIMITS))
  }
}

/** Throws for an error in the Datalog, because it would otherwise look like a refusal. */
function isAuthorized(authorize: () => unknown): boolean {
  try {
    authorize()
    return true
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'FailedLogic' in error) return false
    throw new Error(`The Biscuit cannot decide: ${JSON.stringify(error)}`, { cause: error })
  }
}

function checksOf(tools: Tools): readonly string[] {
  const capabilities = Object.keys(tools).map((capability) => `call(${JSON.stringify(capability)})`)
  const checks = Object.entries(tools).flatMap(([capability, map]) => argumentChecks(JSON.stringify(capability), map))
  return [`check if ${capabilities.join(' or ')};`, ...checks]
}

function argumentChecks(capability: string, map: WireArguments): readonly string[] {
  const names = Object.keys(map)
  const isOpen = names.length === 0 || names.includes('*')
  const known = `[${names.map((name) => JSON.stringify(name)).join(', ')}]`
  const closed = isOpen ? [] : [`reject if call(${capability}), arg($n, $v), !${known}.contains($n);`]
  const fits = Object.entries(map).flatMap(([name, { optional, ...constraint }]) => {
    if (name === '*') return []
    const [argument, test] = [`arg(${JSON.stringify(name)}, $v)`, testOf(constraint)]
    return optional === true
      ? [`reject if call(${capability}), ${argument}, !(${test});`]
      : [`check if call($c), $c != ${capability} or ${argument}, ${test};`]
  })
  return [...closed, ...fits]
}

/** Writes a constraint of the value $v as an expression of Datalog. */
function testOf(constraint: Constraint): string {
  switch (constraint.constraint_type) {
    case 'exact':
      return `$v == ${JSON.stringify(constraint.value)}`
    case 'one_of':
      return `${JSON.stringify(constraint.values)}.contains($v)`
    case 'not_one_of':
      return constraint.excluded.length === 0 ? 'true' : `!${JSON.stringify(constraint.excluded)}.contains($v)`
    case 'range':
      return rangeTest(constraint)
    case 'prefix':
      return `$v.starts_with(${JSON.stringify(constraint.prefix)})`
    case 'all':
      return `(${constraint.constraints.map(testOf).join(' && ')})`
    case 'any':
      return `(${constraint.constraints.map(testOf).join(' || ')})`
    case 'wildcard':
      return 'true'
    case 'contains':
    case 'subset':
    default:
      throw new RangeError(`${constraint.constraint_type} is not in the common subset`)
  }
}

function rangeTest({ min, min_inclusive, max, max_inclusive }: Range): string {
  const bounds = [
    min === undefined ? [] : [`$v ${min_inclusive === false ? '>' : '>='} ${JSON.stringify(min)}`],
    max === undefined ? [] : [`$v ${max_inclusive === false ? '<' : '<='} ${JSON.stringify(max)}`],
  ].flat()
  return bounds.length === 0 ? 'true' : `(${bounds.join(' && ')})`
}
