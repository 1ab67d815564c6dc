import { callLevels } from '../calls/observation.ts'
import type { Config } from '../configuration/config.ts'
import { createInternalListener, type Place } from '../internal-port/listener.ts'
import type { Listener, ListenerDeps } from './listener.ts'
import { PUBLIC_SERVICES } from './public-services.ts'

const DEFAULT_INTERNAL_PORT = 8082

/** Creates the listener for calls from other processes of the deployment. */
export function internalListener({
  config,
  rpc,
  tracing,
  log,
  metrics,
  internal,
  certificates,
}: ListenerDeps): Listener {
  const called = config.services.filter((name) => name !== 'jwks-gateway')
  return createInternalListener({
    place: placeOf(config),
    internal,
    forwarded: called.flatMap((name) => PUBLIC_SERVICES[name]),
    rpc,
    tracing,
    certificates,
    deadlineMs: config.requestTimeoutMs,
    log,
    callLevel: callLevels[config.logFormat],
    metrics,
  })
}

function placeOf({ internalHost, internalPort = DEFAULT_INTERNAL_PORT, internalSocket }: Config): Place {
  return internalSocket === undefined ? { host: internalHost, port: internalPort } : { socket: internalSocket }
}
