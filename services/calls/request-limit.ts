import { type DescMethod, getOption } from '@bufbuild/protobuf'
import { max_request_bytes } from '../../gen/proto/auth4agent/v1/options_pb.ts'
import { Authorization } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { type Bound, createBound } from '../platform/limits/bound.ts'

/** The largest request of most methods, in bytes as sent. */
export const REQUEST_LIMIT = 64 * 1024
/** How many requests of a method with a larger limit may be open at the same time, in total and from one source. */
const PLACES = { total: 256, perSource: 8 }

/**
 * The largest requests of methods whose contract is that of others. A check request has all headers of a request, so
 * that the answer can say that a header is too large. It needs no place: one proxy makes many checks at a time.
 */
const OF_OTHERS: ReadonlyMap<DescMethod, number> = new Map([[Authorization.method.check, 2 * REQUEST_LIMIT]])

/** Returns the largest request of a method, in bytes as sent. `usual` is the limit of methods without their own. */
export function requestLimit(method: DescMethod, usual = REQUEST_LIMIT): number {
  return OF_OTHERS.get(method) ?? (ownLimit(method) || usual)
}

/**
 * Creates the bound on open requests of a method whose requests may be larger than usual, because their bytes are in
 * memory before the caller is known. Returns undefined for other methods.
 */
export function createPlaces(method: DescMethod): Bound | undefined {
  return ownLimit(method) > REQUEST_LIMIT ? createBound(PLACES.total, PLACES.perSource) : undefined
}

/** Limits by method. An option is decoded from its bytes at each reading, which takes several microseconds. */
const known = new Map<DescMethod, number>()

/** Returns the limit that the contract gives a method; 0 without one. */
function ownLimit(method: DescMethod): number {
  const limit = known.get(method) ?? getOption(method, max_request_bytes)
  known.set(method, limit)
  return limit
}
