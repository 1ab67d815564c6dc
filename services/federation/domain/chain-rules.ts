import type { ChainShape } from './chain-shape.ts'
import { type Constraints, nameFault } from './constraints.ts'
import type { EntityStatement } from './entity-statement.ts'
import { type ChainRefusal, type FederationRefusal, quote, refuse, refuseChain } from './refusal.ts'

const SKEW_S = 10

/** Checks that no statement of a chain is from the future or expired (OpenID Federation 1.0 section 10.2). */
export function checkChainTimes({ configuration, steps, top }: ChainShape, nowS: number): ChainRefusal | undefined {
  for (const [place, statement] of [configuration, ...steps, top].entries()) {
    const refusal = checkStatementTimes(statement, nowS)
    if (refusal !== undefined) return refuseChain(place, refusal)
  }
  return undefined
}

/** Checks that a statement is not from the future or expired. */
export function checkStatementTimes({ iat, exp }: EntityStatement, nowS: number): FederationRefusal | undefined {
  if (iat > nowS + SKEW_S) return refuse('NOT_YET_VALID', `iat must be at most ${SKEW_S} s in the future`)
  return exp > nowS ? undefined : refuse('EXPIRED', 'exp must be in the future')
}

/** Checks that the subject names its superior (section 3.2). */
export function checkHints({ configuration, steps }: ChainShape): ChainRefusal | undefined {
  const superior = steps[0]?.iss ?? ''
  if (configuration.authorityHints.includes(superior)) return undefined
  return refuseChain(0, { rule: 'NOT_HINTED', text: `authority_hints must contain ${quote(superior)}` })
}

/**
 * Applies the constraints of every statement for itself (section 6.2). A statement constrains its subject and all
 * entities below. The allowed entity types are applied later, to the metadata.
 */
export function checkConstraints({ configuration, steps }: ChainShape): ChainRefusal | undefined {
  const below = [configuration.sub]
  for (const [intermediates, { sub, constraints }] of steps.entries()) {
    if (intermediates > 0) below.push(sub)
    const refusal = constraints && checkConstraint(constraints, intermediates, below)
    if (refusal !== undefined) return refuseChain(intermediates + 1, refusal)
  }
  return undefined
}

function checkConstraint(
  constraints: Constraints,
  intermediates: number,
  below: readonly string[],
): Pick<ChainRefusal, 'rule' | 'text'> | undefined {
  const { maxPathLength } = constraints
  if (maxPathLength !== undefined && intermediates > maxPathLength) {
    return { rule: 'PATH_TOO_LONG', text: `There must be at most ${maxPathLength} intermediates below this superior` }
  }
  for (const id of below) {
    const rule = nameFault(constraints, id)
    if (rule !== undefined) return { rule, text: `The naming constraints do not allow ${quote(id)}` }
  }
  return undefined
}
