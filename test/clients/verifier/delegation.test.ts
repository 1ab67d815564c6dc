import { ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { newToken } from '../../support/offline-verifier.ts'
import { type Api, LIST } from './apis.ts'
import { type Holder, PAY_URL, SHOP, setUpChain } from './chains.ts'
import {
  CREATE,
  PATHS,
  startDelegating,
  startDelegatingConnect,
  startDelegatingGrpc,
  WATCH,
} from './delegating-apis.ts'

async function started<A extends Api>(api: Promise<A>): Promise<A> {
  const running = await api
  onTestFinished(() => running.close())
  return running
}

/** Sends JSON to an API. Resolves with the status, and with the body or the reason of the refusal. */
async function post(url: string, body: object, headers: Readonly<Record<string, string>>) {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
  const json = Object(await response.json())
  return [response.status, json.reason ?? json]
}

const underDpop = async (chain: string, holder: Holder, url = PAY_URL) => ({
  authorization: `DPoP ${chain}`,
  dpop: await holder.prove(chain, { url }),
})

describe.each(['express', 'fastify', 'hono'] as const)('protect of %s', (framework) => {
  it('accepts a chain whose grants allow the arguments in the body, and tells who acts for whom', async () => {
    const { verifier, chain, principal, actor } = await setUpChain()
    const { url } = await started(startDelegating[framework](verifier))
    const call = async (body: object, headers?: Readonly<Record<string, string>>) =>
      post(`${url}/pay`, body, headers ?? (await underDpop(chain, actor)))
    const told = { actor: actor.did, principal: principal.did }
    expect(await call({ amount: 500 })).toEqual([200, told])
    expect(await call({ amount: 501 })).toEqual([403, 'ARGUMENT_REFUSED'])
    expect(await call({ amount: '5' })).toEqual([403, 'ARGUMENT_REFUSED'])
    expect(await call({})).toEqual([403, 'ARGUMENT_REFUSED'])
    expect(await call({ amount: 5 }, { authorization: `Bearer ${chain}` })).toEqual([401, 'PROOF_REQUIRED'])
    expect(await call({ amount: 5 }, await underDpop(chain, principal))).toEqual([401, 'PROOF_INVALID'])
  })

  it('accepts an access token for the same route without reading arguments', async () => {
    const { verifier, issuer } = await setUpChain()
    const { url } = await started(startDelegating[framework](verifier))
    const token = newToken(issuer.key, { scope: 'pay', aud: [SHOP] })
    const answer = await post(`${url}/pay`, {}, { authorization: `Bearer ${token}` })
    expect(answer).toEqual([200, { sub: expect.stringMatching(/^did:agent:a\.example:/) }])
  })
})

it('protect of connect accepts a chain whose grants allow the arguments in the message', async () => {
  const { verifier, chain, actor, issuer } = await setUpChain()
  const { url } = await started(startDelegatingConnect(verifier))
  const call = async (did: string) => {
    const [code, answer] = await post(url + CREATE, { did }, await underDpop(chain, actor, SHOP + CREATE))
    return [code, Object(answer).challenge ?? Object(answer).code]
  }
  expect(await call('x'.repeat(500))).toEqual([200, actor.did])
  expect(await call('x'.repeat(501))).toEqual([403, 'permission_denied'])
  const token = newToken(issuer.key, { scope: 'pay' })
  expect((await post(url + CREATE, {}, { authorization: `Bearer ${token}` }))[0]).toBe(200)
})

it('protect of connect accepts for a stream only a chain without constraints, and does not read arguments', async () => {
  const { verifier, chain, actor, rootFor } = await setUpChain()
  const { url } = await started(startDelegatingConnect(verifier))
  const client = createClient(RevocationService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }))
  const call = async (text: string) => {
    const headers = await underDpop(text, actor, SHOP + WATCH)
    try {
      await Array.fromAsync(client.watchRevocations({}, { headers }))
      return 'accepted'
    } catch (error) {
      return ConnectError.from(error).rawMessage
    }
  }
  expect(await call(chain)).toMatch(/^The capability has constraints, but the arguments of the call are not known/)
  expect(await call(await rootFor(actor, { tools: { [`${SHOP}#pay`]: {} } }))).toBe('accepted')
})

/** Starts a gRPC API, and makes a client of it and a chain. */
async function setUpGrpc() {
  const made = await setUpChain()
  const api = await started(startDelegatingGrpc(made.verifier))
  const client = new Client(api.url, credentials.createInsecure())
  onTestFinished(() => client.close())
  const metadataOf = async (chain: string, path: string) => {
    const metadata = new Metadata()
    metadata.set('authorization', `DPoP ${chain}`)
    metadata.set('dpop', await made.actor.prove(chain, { url: SHOP + path }))
    return metadata
  }
  return { ...made, api, client, metadataOf }
}

const callUnary = ({ client }: Awaited<ReturnType<typeof setUpGrpc>>, metadata: Metadata, length: number) =>
  new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = LIST
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(length),
      metadata,
      (error, bytes) => resolve(error === null ? String(bytes) : error.code),
    )
  })

describe('protect of grpc', () => {
  it('accepts a chain whose grants allow the arguments in the message, before it calls the handler', async () => {
    const made = await setUpGrpc()
    const { actor, chain, api, metadataOf } = made
    expect(await callUnary(made, await metadataOf(chain, PATHS.list), 500)).toBe(actor.did)
    expect(await callUnary(made, await metadataOf(chain, PATHS.list), 501)).toBe(status.PERMISSION_DENIED)
    expect(await callUnary(made, await metadataOf(`${chain}~a`, PATHS.list), 5)).toBe(status.UNAUTHENTICATED)
    expect(api.handled).toEqual([PATHS.list])
  })

  it('accepts an access token', async () => {
    const made = await setUpGrpc()
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${newToken(made.issuer.key, { scope: 'pay' })}`)
    expect(await callUnary(made, metadata, 1_000)).toMatch(/^did:agent:a\.example:/)
  })

  it('accepts for a stream of messages only a chain without constraints', async () => {
    const made = await setUpGrpc()
    const { chain, rootFor, actor, api, client, metadataOf } = made
    const upload = async (text: string) => {
      const metadata = await metadataOf(text, PATHS.upload)
      return new Promise((resolve) => {
        const { requestSerialize, responseDeserialize } = LIST
        const stream = client.makeClientStreamRequest(
          PATHS.upload,
          requestSerialize,
          responseDeserialize,
          metadata,
          (error, bytes) => resolve(error === null ? String(bytes) : error.code),
        )
        stream.end(Buffer.alloc(5))
      })
    }
    expect(await upload(chain)).toBe(status.PERMISSION_DENIED)
    expect(api.handled).toEqual([])
    const free = await rootFor(actor, { tools: { [`${SHOP}#pay`]: {} } })
    expect(await upload(free)).toBe(actor.did)
  })

  it('ends a call without a message instead of waiting for it', async () => {
    const made = await setUpGrpc()
    const { chain, api, client, metadataOf } = made
    const metadata = await metadataOf(chain, PATHS.list)
    const code = await new Promise((resolve) => {
      const { requestSerialize, responseDeserialize } = LIST
      // The server knows a method with one message here; the client sends none.
      const stream = client.makeClientStreamRequest(
        PATHS.list,
        requestSerialize,
        responseDeserialize,
        metadata,
        (error) => resolve(error?.code),
      )
      stream.end()
    })
    expect([code, api.handled]).toEqual([status.PERMISSION_DENIED, []])
  })
})
