/** Thrown when the database answers but cannot be used yet. The message says why; the start waits. */
export class NotYetError extends Error {
  override readonly name = 'NotYetError'
}
