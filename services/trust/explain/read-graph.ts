import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isDomain } from '@auth4agent/core/identity/domain'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import type { ExportedGraph } from '../graph/export/exported-graph.ts'
import { composeGraph } from './compose-graph.ts'
import { type Around, operatorsOf, readSpokenFor, readVisible, type Viewer } from './read-visible.ts'

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
): Promise<ExportedGraph> {
  const statements = await readVisible(readDb.pool, viewer, readAround(around))
  const spokenFor = await readSpokenFor(readDb.pool, operatorsOf(statements))
  return composeGraph(issuer, statements, spokenFor)
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
