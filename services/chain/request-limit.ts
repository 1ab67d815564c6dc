import { type DescMethod, getOption } from '@bufbuild/protobuf'
import { max_request_bytes } from '../../gen/proto/auth4agent/v1/options_pb.ts'
import { type Bound, createBound } from '../platform/limits/bound.ts'

/** The largest request of most methods, in bytes as sent. */
export const REQUEST_LIMIT = 64 * 1024
/** How many requests of a method with a larger limit may be open at the same time, in total and from one source. */
const PLACES = { total: 256, perSource: 8 }

/** Returns the largest request of a method, in bytes as sent. `usual` is the limit of methods without their own. */
export function requestLimit(method: DescMethod, usual = REQUEST_LIMIT): number {
  return getOption(method, max_request_bytes) || usual
}

/**
 * Creates the bound on open requests of a method whose requests may be larger than usual, because their bytes are in
 * memory before the caller is known. Returns undefined for other methods.
 */
export function createPlaces(method: DescMethod): Bound | undefined {
  return requestLimit(method) > REQUEST_LIMIT ? createBound(PLACES.total, PLACES.perSource) : undefined
}
