import { type GetStatusListResponse, StatusListService } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { Resources } from '../calls/resource.ts'

const { method } = StatusListService

/** A list is the whole answer over HTTP (Token Status List section 8.2). Verifiers in browsers may read it. */
export const statusListDocuments: Resources = {
  [methodName(method.getStatusList)]: {
    isCrossOrigin: true,
    representations: [],
    inPlaceOfJson: {
      mediaType: { type: 'application', subtype: 'statuslist+jwt' },
      success: (output) => {
        const { token, etag, maxAgeSeconds } = output as GetStatusListResponse
        return { status: 200, body: token, cache: { tag: etag, maxAgeS: maxAgeSeconds } }
      },
      failure: () => undefined,
    },
  },
  [methodName(method.listStatusLists)]: { isCrossOrigin: true, representations: [] },
}
