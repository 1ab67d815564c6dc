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

/** How to connect to any server of the cluster. Files are read at each connection, so new ones need no restart. */
export interface NatsOptions {
  /** What NATS shows its operators. */
  readonly name: string
  /** JWT and seed of a NATS user; goes before a login in the URL. */
  readonly credsFile?: string | undefined
  /** PEM files; set, every server must speak TLS. */
  readonly tls?: NatsTlsFiles | undefined
  /** Time between pings; two of them unanswered end the connection at the third. */
  readonly pingIntervalMs: number
}

/** The authority to believe, and the certificate to show to servers that ask for one. */
interface NatsTlsFiles {
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

type Dial = { onSocket: ((socket: Socket) => void) | undefined }

/** For one address of the server, from the first packet to the answer that it lets us in. */
const DIAL_TIMEOUT_MS = 2_000
const MAX_UNANSWERED_PINGS = 2

const dials = new AsyncLocalStorage<Dial>()
subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return
  if (message.socket instanceof Socket) dials.getStore()?.onSocket?.(message.socket)
})

/**
 * One attempt at one server. The connection does not reconnect: it ends, and the caller dials again.
 * @throws Error when it fails or `signal` ends it; then no socket is left. The library itself forgets the socket of a
 * handshake that timed out, one more at each attempt at a server that accepts and says nothing.
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
    // What handles messages later runs in this context too, and its sockets are none of ours.
    dial.onSocket = undefined
  }
}

async function prepare(server: NatsServer, options: NatsOptions): Promise<NodeConnectionOptions> {
  const authenticator = await authenticatorFor(server, options.credsFile)
  const tls = tlsOptions(server, options.tls)
  return {
    // No other server is learned from this one: behind a proxy or in another network those addresses lead nowhere.
    servers: [natsAddress(server)],
    ignoreClusterUpdates: true,
    reconnect: false,
    name: options.name,
    // A process handles its own messages itself, without a way around.
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
    // The name that the certificate must carry; without it the library asks any address for "localhost".
    host,
    ...(files?.caFile !== undefined && { caFile: files.caFile }),
    ...(files?.certFile !== undefined && { certFile: files.certFile }),
    ...(files?.keyFile !== undefined && { keyFile: files.keyFile }),
  }
}
