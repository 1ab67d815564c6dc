import type { JsonObject, Message } from '@bufbuild/protobuf'
import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { type GetAgentResponse, IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { methodName } from '../chain/method-name.ts'
import type { Representation, Represented, Resources } from '../chain/resource.ts'
import type { ApiError } from '../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../platform/errors/reasons.ts'

/** Maps reason codes to the errors of DID Resolution (section "Errors"). */
const RESOLUTION_ERRORS: Partial<Record<ReasonCode, string>> = {
  INVALID_DID: 'invalidDid',
  INVALID_ARGUMENT: 'invalidDid',
  AGENT_NOT_FOUND: 'notFound',
}

const DID_DOCUMENT_TYPE = 'application/did+json'

/**
 * Answers with only the DID document (DID Core 1.0 section 6.2). The status is 410 for a deactivated DID (DID
 * Resolution, section "HTTP(S) Binding").
 */
const didDocument: Representation = {
  mediaType: { type: 'application', subtype: 'did+json' },
  success: (output) => {
    const agent = agentOf(output)
    return { status: statusOf(agent), body: JSON.stringify(agent.didDocument ?? null) }
  },
  failure: () => undefined,
}

/** Answers with the whole result of a resolution (DID Resolution, section "DID Resolution Result"). */
const resolutionResult = {
  success: (output: Message): Represented => {
    const agent = agentOf(output)
    return {
      status: statusOf(agent),
      body: resolution(agent.didDocument ?? null, { contentType: DID_DOCUMENT_TYPE }, documentMetadata(agent)),
    }
  },
  failure: (error: ApiError): Represented | undefined => {
    const code = RESOLUTION_ERRORS[error.reason]
    if (code === undefined) return undefined
    return { status: reasons[error.reason].status, body: resolution(null, { error: code }, {}) }
  },
}

/**
 * Representations of an agent besides plain JSON; the Accept header selects one. Scripts of any origin may read them,
 * because they contain only public data.
 */
export const didResolution: Resources = {
  [methodName(IdentityService.method.getAgent)]: {
    isCrossOrigin: true,
    representations: [
      didDocument,
      { ...resolutionResult, mediaType: { type: 'application', subtype: 'did-resolution' } },
      {
        ...resolutionResult,
        mediaType: { type: 'application', subtype: 'ld+json', profile: 'https://w3id.org/did-resolution' },
      },
    ],
  },
}

function agentOf(output: Message): GetAgentResponse {
  return output as GetAgentResponse
}

function isDeactivated(agent: GetAgentResponse): boolean {
  return agent.status === 'revoked'
}

function statusOf(agent: GetAgentResponse): number {
  return isDeactivated(agent) ? 410 : 200
}

function documentMetadata(agent: GetAgentResponse): JsonObject {
  return {
    ...(agent.createdAt === undefined ? {} : { created: timeText(agent.createdAt) }),
    deactivated: isDeactivated(agent),
    ...(agent.movedTo === '' ? {} : { canonicalId: agent.movedTo }),
  }
}

function timeText({ seconds }: Timestamp): string {
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`
}

function resolution(document: JsonObject | null, metadata: JsonObject, documentMetadata: JsonObject): string {
  return JSON.stringify({
    didDocument: document,
    didResolutionMetadata: metadata,
    didDocumentMetadata: documentMetadata,
  })
}
