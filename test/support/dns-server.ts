import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import * as packet from 'dns-packet'

/** RCODEs (RFC 1035 section 4.1.1) with which a name may fail. */
type Rcode = 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED'

/**
 * A DNS server on loopback over UDP that answers TXT questions from memory. It answers NXDOMAIN for every other name.
 */
export interface DnsServer {
  /** `127.0.0.1:port`. */
  readonly address: string
  /** Names that were queried, in order. */
  readonly asked: readonly string[]
  /** Sets the TXT records of a name. For an empty list the server answers NODATA. An array is a record of strings. */
  setTxt(name: string, records: readonly (string | readonly string[])[]): void
  /** Makes a name fail. */
  fail(name: string, rcode: Rcode): void
  /** Makes the server ignore queries for a name. */
  silence(name: string): void
  /** Removes a name. */
  clear(name: string): void
  close(): Promise<void>
}

type Answer =
  | { readonly kind: 'txt'; readonly records: readonly (string | readonly string[])[] }
  | { readonly kind: 'fail'; readonly rcode: Rcode }
  | { readonly kind: 'silence' }

const RCODES: Readonly<Record<Rcode, number>> = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }
const NXDOMAIN: Answer = { kind: 'fail', rcode: 'NXDOMAIN' }

/** Starts a DNS server on a free port. */
export async function startDnsServer(): Promise<DnsServer> {
  const answers = new Map<string, Answer>()
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => {
    const query = packet.decode(message)
    const name = query.questions?.[0]?.name.toLowerCase() ?? ''
    asked.push(name)
    const reply = encodeReply(query, answers.get(name) ?? NXDOMAIN)
    if (reply !== undefined) socket.send(reply, peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    setTxt: (name, records) => void answers.set(name.toLowerCase(), { kind: 'txt', records }),
    fail: (name, rcode) => void answers.set(name.toLowerCase(), { kind: 'fail', rcode }),
    silence: (name) => void answers.set(name.toLowerCase(), { kind: 'silence' }),
    clear: (name) => void answers.delete(name.toLowerCase()),
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function encodeReply(query: packet.Packet, answer: Answer): Buffer | undefined {
  if (answer.kind === 'silence') return undefined
  const [question] = query.questions ?? []
  const isTxt = answer.kind === 'txt' && question?.type === 'TXT'
  const records = isTxt ? answer.records : []
  return packet.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (answer.kind === 'fail' ? RCODES[answer.rcode] : 0),
    questions: question === undefined ? [] : [question],
    answers: records.map((strings) => ({
      type: 'TXT',
      name: question?.name ?? '',
      ttl: 60,
      data: typeof strings === 'string' ? split(strings) : [...strings],
    })),
  })
}

/** Splits a text into pieces, because each string in a TXT record has at most 255 bytes. */
function split(text: string): string[] {
  return text.match(/[^]{1,255}/g) ?? ['']
}
