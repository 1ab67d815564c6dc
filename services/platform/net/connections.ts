import type { Socket } from 'node:net'

/**
 * Why a listener closed a connection. `evicted`: it was idle, and a new connection needed its place. `full`: all
 * places were taken. `source_full`: all places of its source were taken.
 */
export type ClosedFor = 'evicted' | 'full' | 'source_full'

/** Options of createConnections. */
export interface ConnectionsDeps {
  /** Limit of open connections in total. */
  readonly max: number
  /** Limit of open connections of one source. */
  readonly maxPerSource: number
  /** Called for every connection that is closed because of a limit. */
  readonly onClosed: (reason: ClosedFor) => void
  /** Returns monotonic milliseconds. */
  readonly now?: () => number
}

/** One admitted connection. It is idle until a request begins. */
interface Connection {
  /** Notes the start of a request or a stream. The connection is busy until `end` is called as often as `begin`. */
  begin(): void
  /** Notes the end of a request or a stream. */
  end(): void
}

/** The open connections of one listener. */
export interface Connections {
  /**
   * Admits a connection. If all places are taken, in total or for this source, closes the one of them that has been
   * idle longest. If none of them is idle, destroys the new connection and returns undefined.
   * @param source key of the peer. Undefined for a trusted proxy, whose connections count only in total
   */
  admit(socket: Socket, source: string | undefined): Connection | undefined
  /** Finds the admitted connection of a socket, or of a TLS socket on top of it. */
  find(socket: Socket): Connection | undefined
  /** Destroys connections that have been idle for `ms` milliseconds. */
  closeIdle(ms: number): void
  /** Destroys all connections, also those whose TLS handshake has not finished. */
  closeAll(): void
  /** Resolves when every admitted connection is closed. */
  allClosed(): Promise<void>
  /** Returns the number of open connections. */
  size(): number
}

interface Group {
  open: number
  /** Idle connections, in the order in which they became idle. */
  readonly idle: Set<Entry>
}

interface Entry extends Connection {
  readonly socket: Socket
  /** The group of all connections, and the group of the source if there is one. */
  readonly groups: readonly Group[]
  active: number
  idleSince: number
  isOpen: boolean
}

/** Creates the list of one listener's connections. It never changes a socket, except that it may destroy it. */
export function createConnections({ max, maxPerSource, onClosed, now = monotonic }: ConnectionsDeps): Connections {
  const all: Group = { open: 0, idle: new Set() }
  const bySource = new Map<string, Group>()
  const byPeer = new Map<string, Entry>()
  const unclosed = new Set<Socket>()
  let waiting: (() => void)[] = []

  const rest = (entry: Entry): void => {
    entry.idleSince = now()
    for (const { idle } of entry.groups) idle.add(entry)
  }
  const forget = (entry: Entry): void => {
    if (!entry.isOpen) return
    entry.isOpen = false
    for (const group of entry.groups) {
      group.open -= 1
      group.idle.delete(entry)
    }
  }
  const makeRoom = (group: Group): boolean => {
    const [oldest] = group.idle
    if (oldest === undefined) return false
    forget(oldest)
    oldest.socket.destroy()
    onClosed('evicted')
    return true
  }
  const refusal = (source: Group | undefined): ClosedFor | undefined => {
    if (source !== undefined && source.open >= maxPerSource && !makeRoom(source)) return 'source_full'
    return all.open >= max && !makeRoom(all) ? 'full' : undefined
  }
  const follow = (entry: Entry, source: string | undefined): void => {
    const { socket } = entry
    const peer = peerOf(socket)
    if (peer !== undefined) byPeer.set(peer, entry)
    unclosed.add(socket)
    socket.once('close', () => {
      forget(entry)
      unclosed.delete(socket)
      if (peer !== undefined && byPeer.get(peer) === entry) byPeer.delete(peer)
      if (source !== undefined && bySource.get(source)?.open === 0) bySource.delete(source)
      if (unclosed.size === 0) for (const resolve of waiting.splice(0)) resolve()
    })
  }
  return {
    admit(socket, source) {
      const group = source === undefined ? undefined : (bySource.get(source) ?? { open: 0, idle: new Set() })
      const reason = refusal(group)
      if (reason !== undefined) {
        socket.destroy()
        onClosed(reason)
        return undefined
      }
      if (source !== undefined && group !== undefined) bySource.set(source, group)
      const entry = createEntry(socket, group === undefined ? [all] : [all, group], rest)
      rest(entry)
      follow(entry, source)
      return entry
    },
    find(socket) {
      const peer = peerOf(socket)
      return peer === undefined ? undefined : byPeer.get(peer)
    },
    closeIdle(ms) {
      const before = now() - ms
      for (const { idleSince, socket } of all.idle) if (idleSince <= before) socket.destroy()
    },
    closeAll() {
      for (const socket of unclosed) socket.destroy()
    },
    allClosed() {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (unclosed.size === 0) resolve()
      else waiting = [...waiting, resolve]
      return promise
    },
    size: () => all.open,
  }
}

function createEntry(socket: Socket, groups: readonly Group[], rest: (entry: Entry) => void): Entry {
  const entry: Entry = {
    socket,
    groups,
    active: 0,
    idleSince: 0,
    isOpen: true,
    begin() {
      entry.active += 1
      if (entry.active === 1) for (const { idle } of groups) idle.delete(entry)
    },
    end() {
      entry.active -= 1
      if (entry.active === 0 && entry.isOpen) rest(entry)
    },
  }
  for (const group of groups) group.open += 1
  return entry
}

/**
 * Returns a key of the two ends of a connection. A TLS socket has the same ends as the socket below it, and Node has
 * no API to get that socket.
 */
function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress}`
}

function monotonic(): number {
  return performance.now()
}
