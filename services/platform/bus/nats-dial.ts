import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import { type NatsServer, natsAddress } from './nats-url.ts'

/** Options of a connection. Files are read at each connection, so changed files need no restart. */
export interface NatsOptions {
  /** The client name that NATS shows in its monitoring. */
  readonly name: string
  /** File with JWT and seed of a NATS user. It overrides a login in the URL. */
  readonly credsFile?: string | undefined
  /** PEM files. If set, every server must use TLS. */
  readonly tls?: NatsTlsFiles | undefined
  /** Milliseconds between pings. After two unanswered pings, the third closes the connection. */
  readonly pingIntervalMs: number
}

/** The trusted CA, and the client certificate for servers that request one. */
interface NatsTlsFiles {
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

type Dial = { onSocket: ((socket: Socket) => void) | undefined }

/** Time limit for one address of a server, from the first packet to the accepted login, in milliseconds. */
const DIAL_TIMEOUT_MS = 2_000
const MAX_UNANSWERED_PINGS = 2

const dials = new AsyncLocalStorage<Dial>()
subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return
  if (message.socket instanceof Socket) dials.getStore()?.onSocket?.(message.socket)
})

/**
 * Tries once to connect to one server. The connection does not reconnect by itself: it ends, and the caller dials
 * again.
 *
 * After a failure no socket is left open. The library itself leaks the socket of a handshake that timed out: one more
 * at each attempt, if a server accepts connections and stays silent.
 * @throws Error when the attempt fails or `signal` aborts
 */
export async function dialNats(server: NatsServer, options: NatsOptions, signal: AbortSignal): Promise<NatsConnection> {
  const connectionOptions = await prepare(server, options)
  const sockets: Socket[] = []
  const abandon = () => {
    for (const socket of sockets) socket.destroy()
  }
  const dial: Dial = {
    onSocket(socket) {
      sockets.push(socket)
      if (signal.aborted) socket.destroy()
    },
  }
  signal.addEventListener('abort', abandon)
  try {
    return await dials.run(dial, () => connect(connectionOptions))
  } catch (error) {
    abandon()
    throw error
  } finally {
    signal.removeEventListener('abort', abandon)
    // Message handlers later run in this context too, but this function does not own their sockets.
    dial.onSocket = undefined
  }
}

async function prepare(server: NatsServer, options: NatsOptions): Promise<NodeConnectionOptions> {
  const authenticator = await authenticatorFor(server, options.credsFile)
  const tls = tlsOptions(server, options.tls)
  return {
    // Ignores servers that this server announces: behind a proxy or in another network they are not reachable.
    servers: [natsAddress(server)],
    ignoreClusterUpdates: true,
    reconnect: false,
    name: options.name,
    // A process handles its own messages itself and needs no echo.
    noEcho: true,
    pingInterval: options.pingIntervalMs,
    maxPingOut: MAX_UNANSWERED_PINGS,
    timeout: DIAL_TIMEOUT_MS,
    noAsyncTraces: true,
    ...(authenticator && { authenticator }),
    ...(tls && { tls }),
  }
}

async function authenticatorFor({ login }: NatsServer, credsFile?: string): Promise<Authenticator | undefined> {
  if (credsFile !== undefined) return credsAuthenticator(await readFile(credsFile))
  if (login === undefined) return undefined
  return 'token' in login ? tokenAuthenticator(login.token) : usernamePasswordAuthenticator(login.user, login.password)
}

function tlsOptions({ host, isTls }: NatsServer, files?: NatsTlsFiles) {
  if (!isTls && files === undefined) return undefined
  return {
    // The name that the certificate must contain. Without it, the library expects "localhost" for any address.
    host,
    ...(files?.caFile !== undefined && { caFile: files.caFile }),
    ...(files?.certFile !== undefined && { certFile: files.certFile }),
    ...(files?.keyFile !== undefined && { keyFile: files.keyFile }),
  }
}
