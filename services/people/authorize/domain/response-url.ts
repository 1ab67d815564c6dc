/**
 * Returns the URL that takes an answer to a client (RFC 6749 section 4.1.2). It always has `iss` (RFC 9207), so that a
 * client of several servers sees from which one the answer comes. A query of the redirect URI stays as it is.
 */
export function responseUrl(
  redirectUri: string,
  issuer: string,
  state: string | undefined,
  members: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams({ ...members, ...(state !== undefined && { state }), iss: issuer })
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.toString()}`
}
