/**
 * Something about the machine or its configuration keeps the server from starting. The message is one sentence for
 * the person at the terminal, naming what to do; whoever catches it prints the message without a stack trace.
 */
export class StartupError extends Error {
  override readonly name: string = 'StartupError'
}
