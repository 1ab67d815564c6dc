import type { JsonObject, Message } from '@bufbuild/protobuf'
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import {
  type GetAgentResponse,
  IdentityService,
  type ResolveDidResponse,
} from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { Representation, Represented, Resource, Resources } from '../calls/resource.ts'
import type { ApiError } from '../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../platform/errors/reasons.ts'

/** The parts of a resolution result that an answer contains. */
interface Resolved {
  readonly document: JsonObject | null
  readonly created: Timestamp | undefined
  readonly updated: Timestamp | undefined
  readonly deactivated: boolean
  readonly versionId: string
  /** The DID to which the agent has moved; empty when it has not. */
  readonly canonicalId: string
}

/** How a method's answers become resolution results. */
interface Source {
  readonly resolved: (output: Message) => Resolved
  /** Maps reason codes to the errors of DID Resolution (DID Core 1.0 section 7.1.2). */
  readonly errors: Partial<Readonly<Record<ReasonCode, string>>>
}

const DID_DOCUMENT_TYPE = 'application/did+json'

const OF_AGENT: Source = {
  resolved(output) {
    const { didDocument, createdAt, updatedAt, status, keySeq, movedTo } = output as GetAgentResponse
    return {
      document: didDocument ?? null,
      created: createdAt,
      updated: keySeq === 0 ? undefined : updatedAt,
      deactivated: status === 'revoked',
      versionId: String(keySeq),
      canonicalId: movedTo,
    }
  },
  errors: { INVALID_DID: 'invalidDid', INVALID_ARGUMENT: 'invalidDid', AGENT_NOT_FOUND: 'notFound' },
}

const OF_RESOLUTION: Source = {
  resolved(output) {
    const { didDocument, didDocumentMetadata } = output as ResolveDidResponse
    const { created, updated, deactivated = false, versionId = '', canonicalId = '' } = didDocumentMetadata ?? {}
    return { document: didDocument ?? null, created, updated, deactivated, versionId, canonicalId }
  },
  errors: { INVALID_DID: 'invalidDid', INVALID_ARGUMENT: 'invalidOptions', AGENT_NOT_FOUND: 'notFound' },
}

/**
 * Representations of an agent besides plain JSON; the Accept header selects one. Scripts of any origin may read them,
 * because they contain only public data.
 */
export const didResolution: Resources = {
  [methodName(IdentityService.method.getAgent)]: resource(OF_AGENT),
  [methodName(IdentityService.method.resolveDid)]: {
    ...resource(OF_RESOLUTION),
    inPlaceOfJson: resolutionResult(OF_RESOLUTION),
  },
}

function resource(source: Source): Resource {
  const linkedData = { type: 'application', subtype: 'ld+json', profile: 'https://w3id.org/did-resolution' }
  const result = resolutionResult(source)
  return { isCrossOrigin: true, representations: [didDocument(source), result, { ...result, mediaType: linkedData }] }
}

/**
 * Answers with only the DID document (DID Core 1.0 section 6.2). The status is 410 for a deactivated DID (DID
 * Resolution, section "HTTP(S) Binding").
 */
function didDocument({ resolved }: Source): Representation {
  return {
    mediaType: { type: 'application', subtype: 'did+json' },
    success(output) {
      const { document, deactivated } = resolved(output)
      return { status: statusOf(deactivated), body: JSON.stringify(document) }
    },
    failure: () => undefined,
  }
}

/** Answers with the whole result of a resolution (DID Resolution, section "DID Resolution Result"). */
function resolutionResult({ resolved, errors }: Source): Representation {
  return {
    mediaType: { type: 'application', subtype: 'did-resolution' },
    success(output: Message): Represented {
      const { document, created, updated, deactivated, versionId, canonicalId } = resolved(output)
      const metadata = {
        ...(created && { created: timeText(created) }),
        ...(updated && { updated: timeText(updated) }),
        deactivated,
        versionId,
        ...(canonicalId !== '' && { canonicalId }),
      }
      return { status: statusOf(deactivated), body: result(document, { contentType: DID_DOCUMENT_TYPE }, metadata) }
    },
    failure(error: ApiError): Represented | undefined {
      const code = errors[error.reason]
      if (code === undefined) return undefined
      return { status: reasons[error.reason].status, body: result(null, { error: code }, {}) }
    },
  }
}

function statusOf(isDeactivated: boolean): number {
  return isDeactivated ? 410 : 200
}

function timeText(time: Timestamp): string {
  return `${timestampDate(time).toISOString().slice(0, 19)}Z`
}

function result(document: JsonObject | null, metadata: JsonObject, documentMetadata: JsonObject): string {
  return JSON.stringify({
    didDocument: document,
    didResolutionMetadata: metadata,
    didDocumentMetadata: documentMetadata,
  })
}
