import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isDomain } from '@auth4agent/core/identity/domain'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import type { ExportedGraph } from '../graph/export/exported-graph.ts'
import { addCallers } from './add-callers.ts'
import { composeGraph } from './compose-graph.ts'
import { nearOf, partiesOf, readCallers } from './read-callers.ts'
import { type Around, operatorsOf, readSpokenFor, readVisible, type Viewer } from './read-visible.ts'

/**
 * Reads the graph that a viewer may see.
 *
 * @param around a domain or an operator id; an empty text means all of it
 * @throws ApiError INVALID_ARGUMENT, RATE_LIMITED
 */
export async function readGraph(
  { readDb, issuer, limitGraphs }: Pick<TrustDeps, 'readDb' | 'issuer' | 'limitGraphs'>,
  viewer: Viewer,
  around: string,
): Promise<ExportedGraph> {
  const { pool } = readDb
  const centre = readAround(around)
  if (viewer.kind === 'anyone') limitGraphs(viewer.kind)
  const first = await readCallers(pool, viewer, centre)
  const statements = await readVisible(pool, viewer, centre, partiesOf(first))
  const callers = centre && (await readCallers(pool, viewer, { ids: nearOf(centre, statements, first) }))
  const spokenFor = await readSpokenFor(pool, operatorsOf(statements))
  return addCallers(issuer, composeGraph(issuer, statements, spokenFor), callers ?? first)
}

/**
 * Reads around which operators a graph is wanted.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readAround(text: string): Around | undefined {
  if (text === '') return undefined
  if (isUuid(text)) return { id: text }
  if (isDomain(text)) return { domain: text }
  throw new ApiError('INVALID_ARGUMENT', 'around must be a domain in A-labels or an operator id')
}
