import { X509Certificate } from 'node:crypto'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js'
import type { ServiceName } from '../configuration/service-names.ts'
import type { Logger } from '../platform/log/log.ts'
import { certifiedServices } from './certificates.ts'

/** Returns the services that the certificate of a call's peer names. */
export type Peers = (call: ServerInterceptingCallInterface) => readonly ServiceName[]

/** The most certificates that are remembered. A deployment has one for each process, and new ones after a renewal. */
const MAX_KNOWN = 256

/** Makes a function that remembers the certificates it has parsed, because parsing takes longer than most calls. */
export function createPeers(): Peers {
  const known = new Map<string, readonly ServiceName[]>()
  return (call) => {
    const certificate = call.getAuthContext().sslPeerCertificate
    if (certificate === undefined) return []
    const { fingerprint256, raw } = certificate
    const names = known.get(fingerprint256) ?? certifiedServices(new X509Certificate(raw))
    keepNewest(known, fingerprint256, names, MAX_KNOWN)
    return names
  }
}

/**
 * Makes the interceptor that checks each call. `callersOf` returns the services that may call a path, or 'every peer'.
 */
export function createPeerCheck(
  peers: Peers,
  callersOf: (path: string) => readonly ServiceName[] | 'every peer',
  log: Logger,
): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, next) {
            const allowed = callersOf(path)
            const names = peers(call)
            if (allowed === 'every peer' || names.some((name) => allowed.includes(name))) return next(metadata)
            log.warn({ rpc: path, peer: names }, 'a peer may not make this call')
            // Sends no ErrorInfo, because this is an error of the deployment, not of a caller of the public ports.
            call.sendStatus({
              code: status.PERMISSION_DENIED,
              details: `This call is not allowed for ${names.join(', ') || 'a peer without a service name'}`,
              metadata: new Metadata(),
            })
          },
        })
      },
    })
}
