import type { ErrorResponses } from '../responses.ts'
import type { Schema } from '../schemas.ts'
import type { Entry } from './entries.ts'

/** Returns the path item of a route that no descriptor describes. */
export function entryPathItem(entry: Entry, errors: ErrorResponses): Schema {
  const {
    operationId,
    tag,
    summary,
    description,
    parameters,
    security = [{}],
    callers = 'anyone',
    answer,
    body,
  } = entry
  const { status = 200, mediaType = 'application/json', schema = {}, example } = answer
  const success = {
    description: 'The call has succeeded',
    ...(status !== 204 && { content: { [mediaType]: { schema, ...(example !== undefined && { example }) } } }),
  }
  const possible = entry.reasons ?? []
  const refusals = errors.share(body === undefined ? errors.plain(possible) : errors.oauth(entry.path, possible))
  return {
    // Relative to the address of this document, so it is the root of the host.
    ...(entry.isAtRoot === true && { servers: [{ url: '/' }] }),
    [body === undefined ? 'get' : 'post']: {
      operationId,
      tags: [tag],
      summary,
      ...(description !== undefined && { description }),
      'x-callers': callers,
      security,
      ...(parameters !== undefined && { parameters }),
      ...(body !== undefined && { requestBody: { required: true, content: { 'application/json': body } } }),
      responses: { [status]: success, ...entry.responses, ...refusals },
    },
  }
}
