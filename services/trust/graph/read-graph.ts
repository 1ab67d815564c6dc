import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isDomain } from '@auth4agent/core/identity/domain'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import { composeGraph } from './compose-graph.ts'
import type { ExportedGraph } from './export/exported-graph.ts'
import { nearOf, partiesOf, readCallers } from './read-callers.ts'
import { type Around, operatorsOf, readSpokenFor, readVisible, type Viewer } from './read-visible.ts'

/** A graph, and whether it is only a part: the statements that everybody may see can be too many to read at once. */
interface ReadGraph extends ExportedGraph {
  readonly isPart: boolean
}

/**
 * Reads the graph that a viewer may see.
 *
 * @param around a domain or an operator id; an empty text means all of it
 * @throws ApiError INVALID_ARGUMENT
 */
export async function readGraph(
  { readDb, issuer }: Pick<TrustDeps, 'readDb' | 'issuer'>,
  viewer: Viewer,
  around: string,
): Promise<ReadGraph> {
  const { pool } = readDb
  const centre = readAround(around)
  const first = await readCallers(pool, viewer, centre)
  const { statements, isPart } = await readVisible(pool, viewer, centre, partiesOf(first))
  const callers = centre ? await readCallers(pool, viewer, { ids: nearOf(centre, statements, first) }) : first
  const spokenFor = await readSpokenFor(pool, operatorsOf(statements))
  return { ...composeGraph(issuer, { statements, spokenFor, callers }), isPart }
}

/**
 * Reads around which operators a graph is wanted.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readAround(text: string): Around | undefined {
  if (text === '') return undefined
  if (isUuid(text)) return { ids: [text] }
  if (isDomain(text)) return { domain: text }
  throw new ApiError('INVALID_ARGUMENT', 'around must be a domain in A-labels or an operator id')
}
