import {
  type IntrospectRequest,
  type IntrospectResponse,
  OAuthService,
} from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { methodName } from '../../calls/method-name.ts'
import type { Resources } from '../../calls/resource.ts'

/** The answer of introspection as a signed JWT (RFC 9701 section 5); the Accept header selects it. */
export const signedIntrospection: Resources = {
  [methodName(OAuthService.method.introspect)]: {
    isCrossOrigin: false,
    representations: [
      {
        mediaType: { type: 'application', subtype: 'token-introspection+jwt' },
        prepare: (request) => {
          ;(request as IntrospectRequest).signed = true
        },
        success: (output) => ({ status: 200, body: (output as IntrospectResponse).jwt ?? '' }),
        failure: () => undefined,
      },
    ],
  },
}
