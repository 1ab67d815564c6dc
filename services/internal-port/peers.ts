import { X509Certificate } from 'node:crypto'
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js'
import type { Logger } from '../platform/log/log.ts'
import type { ServiceName } from '../process/configuration/service-names.ts'
import { certifiedServices } from './certificates.ts'

/** The services that a call's peer is certified to run. */
export type Peers = (call: ServerInterceptingCallInterface) => readonly ServiceName[]

/** Certificates that are remembered. A deployment has one for each process, and new ones when they are renewed. */
const MAX_KNOWN = 256

/** Reads each certificate once: parsing one takes longer than most calls. */
export function createPeers(): Peers {
  const known = new Map<string, readonly ServiceName[]>()
  return (call) => {
    const certificate = call.getAuthContext().sslPeerCertificate
    if (certificate === undefined) return []
    const { fingerprint256, raw } = certificate
    const names = known.get(fingerprint256) ?? certifiedServices(new X509Certificate(raw))
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(fingerprint256, names)
    return names
  }
}

/** Lets through what every peer may call, and for the rest the peers that `callersOf` names for the path. */
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
            // Without our ErrorInfo: a fault of the deployment is not what a caller of the public ports did wrong.
            call.sendStatus({
              code: status.PERMISSION_DENIED,
              details: `not for ${names.join(', ') || 'a peer without a service name'}`,
              metadata: new Metadata(),
            })
          },
        })
      },
    })
}
