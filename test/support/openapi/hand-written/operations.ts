import type { ErrorResponses } from '../responses.ts'
import type { Schema } from '../schemas.ts'
import type { Entry } from './entries.ts'

/** Returns the path item of a route that no descriptor describes. */
export function entryPathItem(entry: Entry, errors: ErrorResponses): Schema {
  const { operationId, tag, summary, description, parameters, security = [{}], callers = 'anyone', answer } = entry
  const { status = 200, mediaType = 'application/json', schema = {}, example } = answer
  const success = {
    description: 'The call has succeeded',
    ...(status === 200 && { content: { [mediaType]: { schema, ...(example !== undefined && { example }) } } }),
  }
  const refusals = errors.share(errors.plain(entry.reasons ?? []))
  return {
    // Relative to the address of this document, so it is the root of the host.
    ...(entry.isAtRoot === true && { servers: [{ url: '/' }] }),
    get: {
      operationId,
      tags: [tag],
      summary,
      ...(description !== undefined && { description }),
      'x-callers': callers,
      security,
      ...(parameters !== undefined && { parameters }),
      responses: { [status]: success, ...entry.responses, ...refusals },
    },
  }
}
