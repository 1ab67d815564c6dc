/**
 * Returns whether a `WWW-Authenticate` header (RFC 9110 section 11.6.1) has the scheme Bearer and
 * `error="invalid_token"` (RFC 6750 section 3.1). Only then can a new token help.
 */
export function namesInvalidToken(header: string): boolean {
  return (
    /(?:^|,)\s*bearer\s/i.test(header) &&
    /(?:^|[\s,])error\s*=\s*(?:"invalid_token"|invalid_token(?:$|[\s,]))/i.test(header)
  )
}
