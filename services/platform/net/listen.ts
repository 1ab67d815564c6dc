import type { ListenOptions, Server } from 'node:net'

/**
 * Starts to listen, and answers the port; 0 for a unix socket. The place is bound within the call. Rejects when it cannot be had.
 * @param onFailure hears of what goes wrong with the listener later
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
