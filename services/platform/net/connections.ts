import type { Socket } from 'node:net'

/** Why a listener closed a connection: it was idle and made room, or there was no room in all or for its source. */
export type ClosedFor = 'evicted' | 'full' | 'source_full'

/** What the bookkeeping works with. */
export interface ConnectionsDeps {
  /** Connections open at once, in all. */
  readonly max: number
  /** Connections of one source. */
  readonly maxPerSource: number
  /** Hears of every connection that is closed for want of room. */
  readonly onClosed: (reason: ClosedFor) => void
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/** One admitted connection. It is idle until work begins on it. */
interface Connection {
  /** Notes that a request or a stream begins: the connection is not idle before `end` was called as often. */
  begin(): void
  /** Notes that a request or a stream has ended. */
  end(): void
}

/** The open connections of one listener. */
export interface Connections {
  /**
   * Admits a connection. At a limit, the connection that has been idle for longest makes room; where none is idle, the
   * newcomer is destroyed and the answer is undefined.
   * @param source what the peer counts as; undefined for a trusted proxy, which only counts in all
   */
  admit(socket: Socket, source: string | undefined): Connection | undefined
  /** Finds the admitted connection of a socket, or of the TLS socket on top of it. */
  find(socket: Socket): Connection | undefined
  /** Destroys the connections that have been idle for this many milliseconds. */
  closeIdle(ms: number): void
  /** Destroys all connections, also those whose TLS handshake has not finished. */
  closeAll(): void
  /** Resolves once every admitted connection is closed. */
  allClosed(): Promise<void>
  /** How many are open. */
  size(): number
}

interface Group {
  open: number
  /** In the order in which they became idle. */
  readonly idle: Set<Entry>
}

interface Entry extends Connection {
  readonly socket: Socket
  /** All connections, and those of the same source. */
  readonly groups: readonly Group[]
  active: number
  idleSince: number
  isOpen: boolean
}

/** Creates the bookkeeping of one listener. It touches no socket but to destroy it. */
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

/** The two ends of a connection. A TLS socket has those of the socket below it, and no public API tells that socket. */
function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress}`
}

function monotonic(): number {
  return performance.now()
}
