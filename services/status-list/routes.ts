import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { StatusListService } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Lists } from './lists.ts'
import { statusListUrl } from './places.ts'

interface RoutesDeps {
  readonly issuer: string
  readonly lists: Lists
  /** Returns the ids of the lists in which tokens may still be valid. */
  readonly living: () => Promise<readonly string[]>
}

/** Creates the handlers of StatusListService. */
export function statusListRoutes({ issuer, lists, living }: RoutesDeps): Handlers<typeof StatusListService> {
  return {
    async getStatusList({ id, time }) {
      // Section 8.4. An answer with the current list would look like the list of that time.
      if (time !== undefined) throw new ApiError('STATUS_HISTORY_UNAVAILABLE')
      const list = isUuid(id) ? await lists.get(id) : undefined
      if (list === undefined) throw new ApiError('STATUS_LIST_NOT_FOUND')
      return { token: list.token, etag: list.etag, maxAgeSeconds: list.maxAgeS }
    },
    async listStatusLists() {
      return { statusLists: (await living()).map((id) => statusListUrl(issuer, id)) }
    },
  }
}
