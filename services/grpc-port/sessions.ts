import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Connections } from '../platform/net/connections.ts'
import type { OnStream } from './calls.ts'

/** The time limits of connections, in milliseconds. */
interface SessionTimes {
  /** The longest time from the TCP connection to the first stream. */
  readonly silentMs: number
  /** How long a caller with open streams may take to answer a PING. */
  readonly stallMs: number
  /** The longest time without traffic after the first stream. */
  readonly idleMs: number
  /**
   * The age, plus or minus a tenth, at which the caller is asked to reconnect, so that new processes also get
   * connections.
   */
  readonly ageMs: number
  /** How long the streams of a connection of that age may take to end. Then the connection is cut. */
  readonly graceMs: number
}

/** Dependencies of {@link createSessions}. */
export interface SessionDeps extends SessionTimes {
  readonly connections: Connections
  readonly onStream: OnStream
  /** Called when a connection is closed because no stream was opened on it. */
  readonly onSilent: () => void
  /** Called when a connection is closed because its caller reads nothing. */
  readonly onStalled: () => void
}

/** The HTTP/2 sessions of one listener. */
export interface Sessions {
  /** Watches a connection from its start. */
  expect(raw: Socket): void
  /** Starts HTTP/2 on a watched connection, or on the TLS socket above it. */
  open(socket: Socket): void
  /** Asks all callers to disconnect. A connection ends when its last stream has ended, or at once if it has none. */
  retireAll(): void
}

/** A watched connection. */
interface Peer {
  readonly raw: Socket
  readonly silence: NodeJS.Timeout
  session?: ServerHttp2Session
  streams: number
  isRetired: boolean
}

const MAX_CONCURRENT_STREAMS = 100
/** How long a peer may take to close its end of a finished connection, in milliseconds. */
const LINGER_MS = 1_000

/** Makes the sessions of a listener. */
export function createSessions(deps: SessionDeps): Sessions {
  const peers = new Map<string, Peer>()
  let isClosing = false
  return {
    expect(raw) {
      const silence = setTimeout(() => {
        deps.onSilent()
        retire(peer)
      }, deps.silentMs)
      const peer: Peer = { raw, silence, streams: 0, isRetired: false }
      const key = endsOf(raw)
      peers.set(key, peer)
      raw.once('close', () => {
        clearTimeout(silence)
        if (peers.get(key) === peer) peers.delete(key)
      })
    },
    open(socket) {
      const peer = peers.get(endsOf(socket))
      if (peer === undefined) {
        socket.destroy()
        return
      }
      const session = performServerHandshake(socket, { settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS } })
      peer.session = session
      // The end of a session is handled by its 'close' event.
      session.on('error', () => undefined)
      session.setTimeout(deps.idleMs, () => retire(peer))
      age(deps, session, peer)
      follow(deps, session, peer)
      probe(deps, session, peer)
      if (isClosing) retire(peer)
    },
    retireAll() {
      isClosing = true
      for (const peer of peers.values()) retire(peer)
    },
  }
}

function follow({ connections, onStream }: SessionDeps, session: ServerHttp2Session, peer: Peer): void {
  const connection = connections.find(peer.raw)
  const address = peer.raw.remoteAddress ?? ''
  session.on('stream', (stream: ServerHttp2Stream, headers, _flags, rawHeaders: string[]) => {
    clearTimeout(peer.silence)
    peer.streams += 1
    connection?.begin()
    stream.once('close', () => {
      peer.streams -= 1
      connection?.end()
      if (peer.isRetired && peer.streams === 0) linger(peer)
    })
    onStream(stream, headers, rawHeaders, address)
  })
}

function age({ ageMs, graceMs }: SessionDeps, session: ServerHttp2Session, peer: Peer): void {
  let timer = setTimeout(
    () => {
      retire(peer)
      timer = setTimeout(() => peer.raw.destroy(), graceMs).unref()
    },
    ageMs * (0.9 + Math.random() / 5),
  ).unref()
  session.once('close', () => clearTimeout(timer))
}

/**
 * Cuts the connection of a caller that no longer reads from it, at most two times `stallMs` later. The system keeps
 * what such a caller does not read, and small messages would fill its buffers only after hours. A caller that reads
 * answers a PING by itself (RFC 9113 section 6.7).
 */
function probe({ stallMs, onStalled }: SessionDeps, session: ServerHttp2Session, peer: Peer): void {
  let isWaiting = false
  const timer = setInterval(() => {
    if (isWaiting) {
      onStalled()
      peer.raw.destroy()
    } else if (peer.streams > 0 && !session.destroyed) {
      isWaiting = session.ping(() => {
        isWaiting = false
      })
    }
  }, stallMs).unref()
  session.once('close', () => clearInterval(timer))
}

/**
 * Asks a caller to make its next calls on a new connection (RFC 9113 section 6.8), and ends the connection when its
 * streams have ended.
 */
function retire(peer: Peer): void {
  const { session, raw } = peer
  if (peer.isRetired) return
  peer.isRetired = true
  if (session === undefined || session.destroyed) {
    raw.destroy()
    return
  }
  // Streams that the caller has already sent are still answered.
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
  session.close()
  if (peer.streams === 0) linger(peer)
}

/** Destroys a finished connection after a moment, because Node would wait forever for the peer to close its end. */
function linger({ raw }: Peer): void {
  if (!raw.destroyed) setTimeout(() => raw.destroy(), LINGER_MS).unref()
}

/** Returns the addresses of a connection as its name. A TLS socket has the same addresses as the socket below it. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
