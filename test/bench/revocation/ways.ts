import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { createVerifier, grpcFeed, VerificationError, type VerifierOptions } from '@auth4agent/verifier'
import { createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ISSUER } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { expectStatus, issueToken, type KeyedOperator } from '../../support/story.ts'

/** How late one way of knowing revocations is. */
interface Way {
  readonly name: string
  /**
   * Milliseconds from the return of RevokeToken until the way knew: until a token was first refused, or until the
   * event arrived. 0 if it knew before.
   */
  readonly late: readonly number[]
}

/** Dependencies of measureWays. */
export interface WaysDeps {
  readonly client: ProtocolClient
  readonly baseUrl: string
  readonly grpcAddress: string
  readonly operator: KeyedOperator
  readonly agent: AgentParty
}

/** What a way is asked: whether a token is still accepted. */
type IsAccepted = (token: string) => Promise<boolean>

const TIMES = 100
/** Each time takes up to the `ttl` of a status list. */
const FEW = 12
const audienceOf = ({ domain }: KeyedOperator) => `https://api.${domain}`

/** Measures the ways one after the other. */
export async function measureWays(deps: WaysDeps): Promise<readonly Way[]> {
  const { client, operator, grpcAddress } = deps
  const audiences = [{ audience: audienceOf(operator), callers: [], token_status: 'status_list' }]
  expectStatus(200, await client.signed('PUT', `/v1/operators/${operator.id}/policy`, { audiences }, operator))
  const transport = createGrpcTransport({ baseUrl: `http://${grpcAddress}` })
  const watch = `${RevocationService.typeName}/${RevocationService.method.watchRevocations.name}`
  const byGrpc = grpcFeed(createClient(RevocationService, transport), async () => operator.assert(watch))
  const bySse = { authorization: async () => operator.assert('GET /v1/revocations') }
  return [
    await untilRefused(deps, 'POST /v1/verify', TIMES, askVerify(deps)),
    await untilRefused(deps, 'GET /v1/authz', TIMES, askAuthz(deps)),
    await byVerifier(deps, 'the verifier, by server-sent events', TIMES, bySse),
    await byVerifier(deps, 'the verifier, by gRPC', TIMES, byGrpc),
    await byPush(deps),
    await byPoll(deps),
    await byVerifier(deps, 'the verifier, by a status list', FEW, 'status-list'),
  ]
}

async function newToken({ client, agent, operator }: WaysDeps): Promise<string> {
  const { token } = await issueToken(client, agent, { audience: audienceOf(operator) })
  return String(token)
}

async function revoke({ client }: WaysDeps, token: string): Promise<number> {
  expectStatus(200, await client.revokeToken(token))
  return performance.now()
}

async function untilRefused(deps: WaysDeps, name: string, times: number, isAccepted: IsAccepted): Promise<Way> {
  const late: number[] = []
  for (let count = 0; count < times; count += 1) {
    const token = await newToken(deps)
    if (!(await isAccepted(token))) throw new Error(`${name} refused a token that was not revoked`)
    const returned = await revoke(deps, token)
    let asked = performance.now()
    let last = returned
    while (await isAccepted(token)) {
      last = asked
      asked = performance.now()
    }
    // Nothing was accepted after the moment at which the last accepted question was asked.
    late.push(last === returned ? 0 : last - returned)
  }
  return { name, late }
}

function askVerify({ client, operator }: WaysDeps): IsAccepted {
  return async (token) => {
    const answer = expectStatus(200, await client.post('/v1/verify', { token, audience: [audienceOf(operator)] }))
    return answer.valid === true
  }
}

function askAuthz({ baseUrl, operator }: WaysDeps): IsAccepted {
  const url = `${baseUrl}/v1/authz?audience=${encodeURIComponent(audienceOf(operator))}`
  return async (token) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status === 204
}

async function byVerifier(
  deps: WaysDeps,
  name: string,
  times: number,
  revocations: VerifierOptions['revocations'],
): Promise<Way> {
  const { operator, baseUrl } = deps
  using verifier = createVerifier({
    issuer: ISSUER,
    audience: audienceOf(operator),
    operators: [operator.domain],
    revocations,
    fetch: (url, init) => fetch(url.replace(ISSUER, baseUrl), init),
  })
  await verifier.ready()
  return await untilRefused(deps, name, times, (token) =>
    verifier.verify(token).then(
      () => delay(1, true),
      (error: unknown) => {
        // Any other reason would not be about the revocation.
        if (error instanceof VerificationError && error.reason === 'TOKEN_REVOKED') return false
        throw error
      },
    ),
  )
}

async function createStream({ client, operator }: WaysDeps, delivery: object): Promise<string> {
  const { stream_id } = expectStatus(201, await client.signed('POST', '/ssf/stream', { delivery }, operator))
  return String(stream_id)
}

async function deleteStream({ baseUrl, operator }: WaysDeps, id: string): Promise<void> {
  const headers = { authorization: operator.assert('DELETE /ssf/stream') }
  const { status } = await fetch(`${baseUrl}/ssf/stream?stream_id=${id}`, { method: 'DELETE', headers })
  if (status !== 204) throw new Error(`The stream was not deleted: ${status}`)
}

/** Measures until an event arrives. `arrivals` has the time of each event, in order. */
async function untilTold(deps: WaysDeps, name: string, next: () => Promise<number>): Promise<Way> {
  const late: number[] = []
  for (let count = 0; count < TIMES; count += 1) {
    const arrival = next()
    const returned = await revoke(deps, await newToken(deps))
    late.push(Math.max(0, (await arrival) - returned))
  }
  return { name, late }
}

async function byPush(deps: WaysDeps): Promise<Way> {
  const port = await freePort()
  let arrived = Promise.withResolvers<number>()
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const set = await text(request)
    response.writeHead(202).end()
    if (Buffer.from(set.split('.')[1] ?? '', 'base64url').includes('session-revoked'))
      arrived.resolve(performance.now())
  }
  const receiver = createServer((request, response) => void receive(request, response))
  await once(receiver.listen(port, 'localhost'), 'listening')
  const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: `http://localhost:${port}/events` }
  const id = await createStream(deps, delivery)
  try {
    return await untilTold(deps, 'security events, pushed', () => {
      arrived = Promise.withResolvers<number>()
      return arrived.promise
    })
  } finally {
    await deleteStream(deps, id)
    receiver.close()
  }
}

async function byPoll(deps: WaysDeps): Promise<Way> {
  const { client, operator } = deps
  const id = await createStream(deps, { method: 'urn:ietf:rfc:8936' })
  let ack: readonly string[] = []
  const next = async (): Promise<number> => {
    const answer = await client.signed('POST', `/ssf/streams/${id}/poll`, { ack }, operator)
    ack = Object.keys(Object(expectStatus(200, answer).sets))
    return ack.length === 0 ? next() : performance.now()
  }
  try {
    return await untilTold(deps, 'security events, polled', next)
  } finally {
    await deleteStream(deps, id)
  }
}
