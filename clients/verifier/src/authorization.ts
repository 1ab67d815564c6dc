/** The members of a request of node:http or node:http2 that are read, so that tests can inject one. */
export interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined }
  /** Header names and values in turn. */
  readonly rawHeaders: readonly string[]
}

/**
 * Returns all Authorization headers of a request. If there are several, Node's `headers` has only the first, and a
 * proxy may have checked another.
 */
export function authorizationOf({ headers, rawHeaders }: NodeRequest): readonly string[] {
  const isNamed = (index: number) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization'
  const sent = rawHeaders.filter((_value, index) => isNamed(index))
  if (sent.length > 1) return sent
  return headers.authorization === undefined ? [] : [headers.authorization]
}
