import type { ChainShape } from './chain-shape.ts'
import { type Constraints, nameFault } from './constraints.ts'
import { type ChainRefusal, quote, refuseChain } from './refusal.ts'

const SKEW_S = 10

/** Checks that no statement is from the future or expired (OpenID Federation 1.0 section 10.2). */
export function checkTimes({ configuration, steps, top }: ChainShape, nowS: number): ChainRefusal | undefined {
  for (const [place, { iat, exp }] of [configuration, ...steps, top].entries()) {
    if (iat > nowS + SKEW_S) {
      return refuseChain(place, { rule: 'NOT_YET_VALID', text: `iat must be at most ${SKEW_S} s in the future` })
    }
    if (exp <= nowS) return refuseChain(place, { rule: 'EXPIRED', text: 'exp must be in the future' })
  }
  return undefined
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
