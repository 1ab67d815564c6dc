import { isSplit } from '../configuration/service-names.ts'
import { createOperations } from '../operations/server.ts'
import { httpPortConfig } from './http-port-config.ts'
import { httpListener, type Listener, type ListenerDeps, type Ports } from './listener.ts'

/** All listeners of a process. */
export interface Listeners {
  readonly ports: Ports
  /** Asks callers to use another process, but still serves them. */
  drain(): void
  /** Stops accepting and lets requests in flight finish. */
  close(): Promise<void>
}

/**
 * Creates the listeners of a process and starts them. If one cannot listen, closes the others and rejects. Loads only
 * the code of these listeners.
 */
export async function startListeners(deps: ListenerDeps): Promise<Listeners> {
  const { services } = deps.config
  const isGateway = services.includes('jwks-gateway')
  const isServing = isSplit(services) && services.some((name) => name !== 'jwks-gateway')
  const listeners: readonly Listener[] = [
    ...(isServing ? [(await import('./internal-listener.ts')).internalListener(deps)] : []),
    ...(isGateway ? (await import('./public-listeners.ts')).publicListeners(deps) : [operations(deps)]),
  ]
  const close = async () => void (await Promise.all(listeners.map((listener) => listener.close())))
  const ports = await listenInTurn(listeners).catch(async (error: unknown) => {
    await close()
    throw error
  })
  for (const listener of listeners) listener.setServing(true)
  return {
    ports,
    drain() {
      for (const listener of listeners) listener.setServing(false)
    },
    close,
  }
}

/**
 * Starts one listener after the other. If the system chooses the ports, node:cluster gives all workers the same ports
 * only if every worker starts its listeners in the same order.
 */
async function listenInTurn(listeners: readonly Listener[]): Promise<Ports> {
  const found: Partial<Ports>[] = []
  for (const listener of listeners) found.push(await listener.listen())
  return Object.assign({ httpPort: 0 }, ...found)
}

function operations({ config, rpc, log, metrics, exposition, ready, durability, tls }: ListenerDeps): Listener {
  const { connectionClosed } = metrics
  return httpListener(
    createOperations({
      rpc,
      log,
      metrics: exposition,
      ready,
      durability,
      connectionClosed,
      config: httpPortConfig(config, tls),
    }),
  )
}
