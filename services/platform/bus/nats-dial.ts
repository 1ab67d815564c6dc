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

/** Options of dialNats. Each call reads the files again, so changed files need no restart. */
export interface NatsOptions {
  /** The client name that NATS shows in its monitoring. */
  readonly name: string
  /** File with the JWT and the seed of a NATS user. If it is set, the login in the URL is not used. */
  readonly credsFile?: string | undefined
  /** PEM files. If set, every server must use TLS. */
  readonly tls?: NatsTlsFiles | undefined
  /** Milliseconds between pings. If two pings are unanswered when the third is due, the connection is closed. */
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
 * Tries once to connect to one server. The connection never reconnects by itself. When it ends, the caller must dial
 * again.
 *
 * Closes all sockets of a failed attempt. The library alone does not close the socket of a handshake that timed out.
 * With a server that accepts connections and stays silent, each attempt would leave one more socket open.
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
    // Message handlers run in this async context later. Sockets that they open do not belong to this attempt.
    dial.onSocket = undefined
  }
}

async function prepare(server: NatsServer, options: NatsOptions): Promise<NodeConnectionOptions> {
  const authenticator = await authenticatorFor(server, options.credsFile)
  const tls = tlsOptions(server, options.tls)
  return {
    // Ignore the other servers that this server announces. This process may not be able to reach them through a proxy
    // or from another network.
    servers: [natsAddress(server)],
    ignoreClusterUpdates: true,
    reconnect: false,
    name: options.name,
    // The bus delivers messages only to other processes.
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
    // The certificate must contain this name. Without this option, the library expects "localhost" for every address.
    host,
    ...(files?.caFile !== undefined && { caFile: files.caFile }),
    ...(files?.certFile !== undefined && { certFile: files.certFile }),
    ...(files?.keyFile !== undefined && { keyFile: files.keyFile }),
  }
}
