/** The members that this module reads of a request (node:http or node:http2). Tests can pass their own object. */
export interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined }
  /** Header names and values, alternately. */
  readonly rawHeaders: readonly string[]
}

/**
 * Returns all Authorization headers of a request. Node's `headers` has only the first of several headers, but a proxy
 * may have checked another one.
 */
export function authorizationOf({ headers, rawHeaders }: NodeRequest): readonly string[] {
  const isNamed = (index: number) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization'
  const sent = rawHeaders.filter((_value, index) => isNamed(index))
  if (sent.length > 1) return sent
  return headers.authorization === undefined ? [] : [headers.authorization]
}
