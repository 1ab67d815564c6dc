import { X509Certificate } from 'node:crypto'
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
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

/** grpc-js has the connection of a call, but shows nobody. */
type StreamCall = { readonly stream: ServerHttp2Stream }

/** The services that a call's peer is certified to run. */
export type Peers = (call: ServerInterceptingCallInterface) => readonly ServiceName[]

/** Reads certificates once for each connection: parsing one takes longer than most calls. */
export function createPeers(): Peers {
  const known = new WeakMap<Http2Session, readonly ServiceName[]>()
  return (call) => {
    const { session } = (call as typeof call & StreamCall).stream
    if (session === undefined) return []
    const raw = known.has(session) ? undefined : call.getAuthContext().sslPeerCertificate?.raw
    const names = known.get(session) ?? (raw === undefined ? [] : certifiedServices(new X509Certificate(raw)))
    known.set(session, names)
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
