import type { ListenOptions, Server } from 'node:net'

/** Starts to listen, and answers the port. Rejects when the address cannot be had. */
export async function listenOn(server: Server, options: ListenOptions & { readonly port: number }): Promise<number> {
  const bound = Promise.withResolvers<void>()
  server.once('error', bound.reject)
  server.listen(options, bound.resolve)
  await bound.promise
  server.off('error', bound.reject)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : options.port
}
