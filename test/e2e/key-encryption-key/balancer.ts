import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { until } from '../../support/until.ts'

/** Hides servers that come and go behind one URL. It sends each request to the next server in turn. */
export interface Balancer {
  readonly baseUrl: string
  /** Returns how many requests a current server, named by its `baseUrl`, has answered. */
  answered(server: string): number
  takeIn(server: string): void
  /** Sends nothing more to a server. Resolves when no request is running there. */
  takeOut(server: string): Promise<void>
}

interface Member {
  readonly server: string
  underWay: number
  answered: number
}

/** Starts a balancer on a free port of 127.0.0.1, without servers. It ends with `started`. */
export async function startBalancer(started: AsyncDisposableStack): Promise<Balancer> {
  const members: Member[] = []
  const find = (server: string) => members.find((member) => member.server === server)
  let turn = 0
  const listener = createServer((incoming, outgoing) => {
    turn += 1
    const member = members[turn % members.length]
    if (member === undefined) outgoing.destroy()
    else passOn(member, incoming, outgoing)
  })
  const listening = Promise.withResolvers<void>()
  listener.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  started.defer(() => {
    listener.close()
    listener.closeAllConnections()
  })
  const address = listener.address()
  return {
    baseUrl: `http://127.0.0.1:${typeof address === 'object' ? address?.port : undefined}`,
    answered: (server) => find(server)?.answered ?? 0,
    takeIn: (server) => void members.push({ server, underWay: 0, answered: 0 }),
    async takeOut(server) {
      const member = find(server)
      if (member === undefined) throw new RangeError(`${server} is not behind this balancer`)
      members.splice(members.indexOf(member), 1)
      await until(
        async () => member.underWay,
        (count) => count === 0,
      )
    },
  }
}

/**
 * Passes a request on over a new connection. The server could close an old connection just when it is used again.
 */
function passOn(member: Member, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming
  member.underWay += 1
  outgoing.once('close', () => {
    member.underWay -= 1
    if (outgoing.writableFinished) member.answered += 1
  })
  const onward = request(`${member.server}${url}`, {
    method,
    agent: false,
    headers: { ...headers, connection: 'close' },
  })
  onward.once('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.once('error', () => outgoing.destroy())
    answer.pipe(outgoing)
  })
  onward.once('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
