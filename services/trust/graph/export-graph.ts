import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  ExportTrustGraphRequest,
  ExportTrustGraphResponseSchema,
} from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { TrustDeps } from '../config.ts'
import type { ExportedGraph } from './export/exported-graph.ts'
import { toJson } from './export/to-json.ts'
import { toSvg } from './export/to-svg.ts'
import { makeGraph } from './graph-work.ts'
import { readGraph } from './read-graph.ts'
import { MOST_PUBLIC } from './read-visible.ts'

interface Format {
  readonly mediaType: string
  readonly write: (graph: ExportedGraph) => string
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['json', { mediaType: 'application/json', write: toJson }],
  ['svg', { mediaType: 'image/svg+xml', write: toSvg }],
])

const TOO_LARGE = `The public graph has more than ${MOST_PUBLIC.statements} statements, or ${MOST_PUBLIC.bytes / 1024} KiB of them: ask for a part of it, with around`

/**
 * Exports the graph that the asker may see.
 *
 * @throws ApiError INVALID_ARGUMENT, OVERLOADED
 */
export async function exportGraph(
  deps: Pick<TrustDeps, 'readDb' | 'issuer' | 'graphPlaces'>,
  { format, around }: ExportTrustGraphRequest,
  call: Call,
): Promise<MessageInitShape<typeof ExportTrustGraphResponseSchema>> {
  const chosen = FORMATS.get(format === '' ? 'json' : format)
  if (chosen === undefined) {
    throw new ApiError('INVALID_ARGUMENT', `format must be ${[...FORMATS.keys()].join(' or ')}`)
  }
  const { principal } = call
  const isKnown = principal.kind === 'operator' || principal.kind === 'admin'
  const viewer = isKnown ? principal : ({ kind: 'anyone' } as const)
  const { graph, document } = await makeGraph(deps.graphPlaces, viewer, call, async () => {
    const read = await readGraph(deps, viewer, around)
    if (read.isPart) throw new ApiError('INVALID_ARGUMENT', TOO_LARGE)
    return { graph: read, document: chosen.write(read) }
  })
  return {
    document,
    mediaType: chosen.mediaType,
    nodes: graph.nodes.length,
    edges: graph.edges.length,
  }
}
