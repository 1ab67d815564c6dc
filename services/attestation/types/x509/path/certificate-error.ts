/** Thrown when a certificate, a CRL or a path is refused. The message is a sentence that says what would be right. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}
