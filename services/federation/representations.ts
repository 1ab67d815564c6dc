import type { Message } from '@bufbuild/protobuf'
import {
  FederationService,
  type FetchSubordinateStatementResponse,
  type GetAuthorityConfigurationResponse,
  type GetEntityConfigurationResponse,
  type GetSignedKeySetResponse,
  type ListHistoricalKeysResponse,
  type ResolveEntityResponse,
} from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { Resource, Resources } from '../calls/resource.ts'

const { method } = FederationService

/** A JWT is the whole answer over HTTP, with its own media type (OpenID Federation 1.0 section 15). */
export const federationDocuments: Resources = {
  [methodName(method.getEntityConfiguration)]: jwt(
    'entity-statement+jwt',
    (output) => (output as GetEntityConfigurationResponse).statement,
  ),
  [methodName(method.getAuthorityConfiguration)]: jwt(
    'entity-statement+jwt',
    (output) => (output as GetAuthorityConfigurationResponse).statement,
  ),
  [methodName(method.fetchSubordinateStatement)]: jwt(
    'entity-statement+jwt',
    (output) => (output as FetchSubordinateStatementResponse).statement,
  ),
  [methodName(method.resolveEntity)]: jwt(
    'resolve-response+jwt',
    (output) => (output as ResolveEntityResponse).response,
  ),
  [methodName(method.getSignedKeySet)]: jwt('jwk-set+jwt', (output) => (output as GetSignedKeySetResponse).keySet),
  [methodName(method.listHistoricalKeys)]: jwt(
    'jwk-set+jwt',
    (output) => (output as ListHistoricalKeysResponse).keySet,
  ),
}

function jwt(subtype: string, textOf: (output: Message) => string): Resource {
  return {
    isCrossOrigin: false,
    representations: [],
    inPlaceOfJson: {
      mediaType: { type: 'application', subtype },
      success: (output) => ({ status: 200, body: textOf(output) }),
      failure: () => undefined,
    },
  }
}
