import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { jwtVerify } from 'jose'
import { onTestFinished } from 'vitest'
import { eventKey, SIGNALS_ISSUER } from './signals.ts'

/** One event that a receiver has got for the first time. */
interface Received {
  readonly jti: string
  readonly aud: unknown
  readonly sub_id: unknown
  /** The type of its event, and the event. */
  readonly type: string
  readonly event: unknown
}

/** Answers instead of the receiver. Returns true if it has answered. */
type Interrupt = (request: IncomingMessage, response: ServerResponse, nth: number) => boolean

/**
 * Starts a receiver of pushed events, which follows RFC 8417 and RFC 8935: it verifies each token, acknowledges it
 * with 202, and takes an event that it has already for delivered. `events` are in the order of their arrival.
 */
export async function startReceiver(interrupt: Interrupt = () => false) {
  const events: Received[] = []
  const requests: IncomingMessage[] = []
  const deliveries: string[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(request)
    if (interrupt(request, response, requests.length)) return
    const { payload } = await jwtVerify<{ events: Record<string, unknown> }>(await text(request), eventKey, {
      algorithms: ['RS256'],
      typ: 'secevent+jwt',
      issuer: SIGNALS_ISSUER,
      requiredClaims: ['jti', 'iat', 'aud', 'sub_id', 'events'],
    })
    const { jti = '', aud, sub_id } = payload
    const [[type, event] = ['', undefined], ...others] = Object.entries(payload.events)
    if (payload.sub !== undefined || payload.exp !== undefined || others.length > 0) throw new Error('Not an SSF event')
    deliveries.push(jti)
    if (!events.some((known) => known.jti === jti)) events.push({ jti, aud, sub_id, type, event })
    response.writeHead(202).end()
  }
  const listener: RequestListener = (request, response) => void receive(request, response)
  let server: Server | undefined
  let port = 0
  const receiver = {
    events,
    requests,
    /** The jti of each delivery, also of repeated ones. */
    deliveries,
    get url() {
      return `http://events.alpha.test:${port}/events`
    },
    async stop() {
      const stopping = server
      server = undefined
      stopping?.closeAllConnections()
      await new Promise<void>((done) => (stopping === undefined ? done() : stopping.close(() => done())))
    },
    async start() {
      const starting = createServer(listener)
      server = starting
      await new Promise<void>((done) => starting.listen(port, '127.0.0.1', done))
      const address = starting.address()
      if (typeof address === 'object' && address !== null) ({ port } = address)
    },
  }
  await receiver.start()
  onTestFinished(() => receiver.stop())
  return receiver
}
