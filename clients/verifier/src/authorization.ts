/** What is read of a request of node:http or node:http2, or of one that a test has injected. */
export interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined }
  /** Names and values, one after the other. */
  readonly rawHeaders: readonly string[]
}

/** All Authorization headers of a request: of several Node keeps the first, which need not be the one that a proxy has looked at. */
export function authorizationOf({ headers, rawHeaders }: NodeRequest): readonly string[] {
  const isNamed = (index: number) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization'
  const sent = rawHeaders.filter((_value, index) => isNamed(index))
  if (sent.length > 1) return sent
  return headers.authorization === undefined ? [] : [headers.authorization]
}
