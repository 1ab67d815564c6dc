import type { ListenOptions, Server } from 'node:net'

/**
 * Starts to listen and returns the port, or 0 for a unix socket. The address is bound synchronously. Rejects when the
 * address is not available.
 * @param onFailure called for later errors of the listener
 */
export async function listenOn(
  server: Server,
  options: ListenOptions,
  onFailure: (problem: string) => void,
): Promise<number> {
  const bound = Promise.withResolvers<void>()
  server.once('error', bound.reject)
  server.listen(options, bound.resolve)
  await bound.promise
  server.off('error', bound.reject)
  server.on('error', ({ message }) => onFailure(message))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
