import { type EntityStatement, parseEntityStatement } from './entity-statement.ts'
import { type ChainRefusal, quote, refuseChain } from './refusal.ts'

/** The statements of a chain by their parts. Each is about the entity that issued the one before it. */
export interface ChainShape {
  /** The configuration of the subject. Its place in the chain is 0. */
  readonly configuration: EntityStatement
  /** What each superior says about the entity below it, from the subject up. The place of the first is 1. */
  readonly steps: readonly EntityStatement[]
  /** The configuration of the trust anchor. */
  readonly top: EntityStatement
}

/** The most intermediates between a subject and its anchor. */
export const MAX_INTERMEDIATES = 5
/** A chain has two configurations, and one step more than intermediates. */
const SHORTEST = 3
const LONGEST = SHORTEST + MAX_INTERMEDIATES

/** Parses the statements of a chain, from the configuration of the subject to the configuration of the anchor. */
export function readChain(
  texts: readonly string[],
): { readonly ok: true; readonly statements: readonly EntityStatement[] } | ChainRefusal {
  if (!isRightLength(texts)) return refuseLength()
  const statements: EntityStatement[] = []
  for (const [place, text] of texts.entries()) {
    const result = parseEntityStatement(text)
    if (!result.ok) return refuseChain(place, result)
    statements.push(result.statement)
  }
  return { ok: true, statements }
}

/**
 * Checks that statements have the order of a chain (OpenID Federation 1.0 section 4), end at an anchor, and name no
 * entity twice. Identifiers are compared byte for byte.
 */
export function shapeChain(
  statements: readonly EntityStatement[],
  anchorId: string,
): { readonly ok: true; readonly shape: ChainShape } | ChainRefusal {
  const [configuration, top] = [statements[0], statements.at(-1)]
  if (!isRightLength(statements) || configuration === undefined || top === undefined) return refuseLength()
  const shape = { configuration, steps: statements.slice(1, -1), top }
  return checkKinds(shape) ?? checkLinks(statements) ?? checkEntities(shape, anchorId) ?? { ok: true, shape }
}

function isRightLength({ length }: readonly unknown[]): boolean {
  return length >= SHORTEST && length <= LONGEST
}

function refuseLength(): ChainRefusal {
  const text = `A chain must have ${SHORTEST} to ${LONGEST} statements, so at most ${MAX_INTERMEDIATES} intermediates`
  return refuseChain(undefined, { rule: 'CHAIN_LENGTH', text })
}

function checkKinds({ configuration, steps, top }: ChainShape): ChainRefusal | undefined {
  if (configuration.iss !== configuration.sub) return refuseKind(0, 'the configuration of the subject')
  const step = steps.findIndex(({ iss, sub }) => iss === sub)
  if (step >= 0) return refuseKind(step + 1, 'a subordinate statement')
  return top.iss === top.sub ? undefined : refuseKind(steps.length + 1, 'the configuration of the trust anchor')
}

function refuseKind(place: number, kind: string): ChainRefusal {
  return refuseChain(place, { rule: 'CHAIN_SHAPE', text: `This statement of the chain must be ${kind}` })
}

function checkLinks(statements: readonly EntityStatement[]): ChainRefusal | undefined {
  const place = statements.findIndex(({ iss }, at) => at + 1 < statements.length && iss !== statements[at + 1]?.sub)
  const text = 'The issuer of a statement must be the subject of the next one, byte for byte'
  return place < 0 ? undefined : refuseChain(place, { rule: 'CHAIN_BROKEN', text })
}

function checkEntities(shape: ChainShape, anchorId: string): ChainRefusal | undefined {
  const path = pathOf(shape)
  const again = path.findIndex((id, at) => path.indexOf(id) < at)
  if (again >= 0) {
    const text = `The chain must not reach ${quote(path[again] ?? '')} again`
    return refuseChain(again, { rule: 'ENTITY_REPEATED', text })
  }
  if (shape.top.sub === anchorId) return undefined
  const text = `The chain must end at ${quote(anchorId)}`
  return refuseChain(shape.steps.length + 1, { rule: 'WRONG_ANCHOR', text })
}

/** Returns the entities of a chain from the subject to the anchor. */
export function pathOf({ configuration, steps }: ChainShape): readonly string[] {
  return [configuration.sub, ...steps.map(({ iss }) => iss)]
}
