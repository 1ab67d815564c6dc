import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isVisibleText } from '@auth4agent/core/encoding/visible-text'
import type { ApiError } from '../../../platform/errors/api-error.ts'
import { isRedirectUri } from './redirect-uri.ts'

/** Returns the refusal of metadata. `problem` begins with `must`. */
type Refuse = (problem: string) => ApiError

const MAX_NAME = 100
const MAX_REDIRECT_URIS = 16

/** Reads the `client_name` of a client; empty for none. Throws what `refuse` returns. */
export function readName(name: unknown = '', refuse: Refuse): string {
  if (name === '') return ''
  if (typeof name === 'string' && isVisibleText(name, MAX_NAME)) return name
  throw refuse(`must have a client_name of 1 to ${MAX_NAME} visible characters, or none`)
}

/**
 * Demands that a member, where it is present, is a list with one entry. Its other entries mean other servers, or what
 * the client does not get here. Throws what `refuse` returns.
 */
export function demandEntry(metadata: JsonObject, member: string, entry: string, refuse: Refuse): void {
  if (metadata[member] === undefined || hasEntry(metadata, member, entry)) return
  throw refuse(`must have ${entry} among its ${member}`)
}

/** Tells whether a member is a list with an entry. */
export function hasEntry(metadata: JsonObject, member: string, entry: string): boolean {
  const list = metadata[member]
  return Array.isArray(list) && list.includes(entry)
}

/** Reads the `redirect_uris` of a client. Throws what `refuse` returns. */
export function readRedirectUris(uris: unknown, refuse: Refuse): readonly string[] {
  const list: readonly unknown[] = Array.isArray(uris) ? uris : []
  if (list.length === 0 || list.length > MAX_REDIRECT_URIS) {
    throw refuse(`must have 1 to ${MAX_REDIRECT_URIS} redirect_uris`)
  }
  return list.map((uri) => {
    if (typeof uri === 'string' && isRedirectUri(uri)) return uri
    throw refuse(
      'must have only redirect_uris in the normal form of URLs: https, or http with 127.0.0.1, [::1] or localhost',
    )
  })
}
