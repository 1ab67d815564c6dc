import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Connections } from '../platform/net/connections.ts'
import type { OnStream } from './calls.ts'

/** How long connections last, all in milliseconds. */
interface SessionTimes {
  /** From the first byte of TCP to the first stream. */
  readonly silentMs: number
  /** Without any traffic, later. */
  readonly idleMs: number
  /** Age at which a connection is told to go, give or take a tenth. Clients come back, and so new instances get their share. */
  readonly ageMs: number
  /** What its streams may take then to end. */
  readonly graceMs: number
}

/** What the sessions of a listener work with. */
export interface SessionDeps extends SessionTimes {
  readonly connections: Connections
  readonly onStream: OnStream
  /** Hears of a connection that was closed because no stream began on it. */
  readonly onSilent: () => void
}

/** The HTTP/2 sessions of one listener. */
export interface Sessions {
  /** Watches a connection from its first byte. */
  expect(raw: Socket): void
  /** Begins HTTP/2 on a connection: the one that was expected, or the TLS socket on top of it. */
  open(socket: Socket): void
  /** Tells every caller to go. Connections end once their last stream has ended, the idle ones at once. */
  retireAll(): void
}

/** Connection that is expected to bring streams. */
interface Peer {
  readonly raw: Socket
  readonly silence: NodeJS.Timeout
  session?: ServerHttp2Session
  streams: number
  isRetired: boolean
}

const MAX_CONCURRENT_STREAMS = 100
/** What a peer has to close its end of a connection that is over, in milliseconds. */
const LINGER_MS = 1_000

/** Makes the keeper of a listener's sessions. */
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
      // What becomes of a session is told by its close.
      session.on('error', () => undefined)
      session.setTimeout(deps.idleMs, () => retire(peer))
      age(deps, session, peer)
      follow(deps, session, peer)
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
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    clearTimeout(peer.silence)
    peer.streams += 1
    connection?.begin()
    stream.once('close', () => {
      peer.streams -= 1
      connection?.end()
      if (peer.isRetired && peer.streams === 0) linger(peer)
    })
    onStream(stream, headers, address)
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

/** Tells a caller to take its next calls elsewhere (RFC 9113 section 6.8), and ends the connection when its streams have ended. */
function retire(peer: Peer): void {
  const { session, raw } = peer
  if (peer.isRetired) return
  peer.isRetired = true
  if (session === undefined || session.destroyed) {
    raw.destroy()
    return
  }
  // Streams that are on their way already are answered still.
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
  session.close()
  if (peer.streams === 0) linger(peer)
}

/** Node waits for the peer to close its end, for ever. */
function linger({ raw }: Peer): void {
  if (!raw.destroyed) setTimeout(() => raw.destroy(), LINGER_MS).unref()
}

/** The two ends of a connection; a TLS socket has those of the socket below it. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
