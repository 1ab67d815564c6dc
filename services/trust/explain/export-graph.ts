import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isDomain } from '@auth4agent/core/identity/domain'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  ExportTrustGraphRequest,
  ExportTrustGraphResponseSchema,
} from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Principal } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import { type ExportedGraph, ExportRefused } from '../graph/export/exported-graph.ts'
import { toDot } from '../graph/export/to-dot.ts'
import { toGraphml } from '../graph/export/to-graphml.ts'
import { toJson } from '../graph/export/to-json.ts'
import { toSvg } from '../graph/export/to-svg.ts'
import { addCallers } from './add-callers.ts'
import { composeGraph } from './compose-graph.ts'
import { nearOf, partiesOf, readCallers } from './read-callers.ts'
import { type Around, operatorsOf, readSpokenFor, readVisible } from './read-visible.ts'

interface Format {
  readonly mediaType: string
  readonly write: (graph: ExportedGraph) => string
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['json', { mediaType: 'application/json', write: toJson }],
  ['dot', { mediaType: 'text/vnd.graphviz', write: toDot }],
  ['graphml', { mediaType: 'application/graphml+xml', write: toGraphml }],
  ['svg', { mediaType: 'image/svg+xml', write: toSvg }],
])

/**
 * Exports the graph that the asker may see.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export async function exportGraph(
  { readDb, issuer }: Pick<TrustDeps, 'readDb' | 'issuer'>,
  { format, around }: ExportTrustGraphRequest,
  principal: Principal,
): Promise<MessageInitShape<typeof ExportTrustGraphResponseSchema>> {
  const chosen = FORMATS.get(format === '' ? 'json' : format)
  if (chosen === undefined) {
    throw new ApiError('INVALID_ARGUMENT', `format must be one of ${[...FORMATS.keys()].join(', ')}`)
  }
  const viewer = principal.kind === 'anonymous' ? ({ kind: 'anyone' } as const) : principal
  const { pool } = readDb
  const centre = readAround(around)
  const first = await readCallers(pool, viewer, centre)
  const statements = await readVisible(pool, viewer, centre, partiesOf(first))
  const callers = centre && (await readCallers(pool, viewer, { ids: nearOf(centre, statements, first) }))
  const spokenFor = await readSpokenFor(pool, operatorsOf(statements))
  const graph = addCallers(issuer, composeGraph(issuer, statements, spokenFor), callers ?? first)
  return {
    document: write(chosen, graph),
    mediaType: chosen.mediaType,
    nodes: graph.nodes.length,
    edges: graph.edges.length,
  }
}

function readAround(text: string): Around | undefined {
  if (text === '') return undefined
  if (isUuid(text)) return { id: text }
  if (isDomain(text)) return { domain: text }
  throw new ApiError('INVALID_ARGUMENT', 'around must be a domain in A-labels or an operator id')
}

function write(format: Format, graph: ExportedGraph): string {
  try {
    return format.write(graph)
  } catch (error) {
    if (!(error instanceof ExportRefused)) throw error
    throw new ApiError('INVALID_ARGUMENT', `${error.message}, with around`)
  }
}
