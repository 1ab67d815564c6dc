/**
 * Thrown when the machine or the configuration prevents the server from starting. The message is one sentence that
 * tells the administrator what to do. The code that catches it prints the message without a stack trace.
 */
export class StartupError extends Error {
  override readonly name: string = 'StartupError'
}
