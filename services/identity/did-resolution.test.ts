import { describe, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { startGateway } from '../../test/support/gateway.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ReasonCode } from '../platform/errors/reasons.ts'

const linked = 'application/ld+json;profile="https://w3id.org/did-resolution"'
const didDocument = { id: 'did:agent:example.com:00' }

async function resolve(accept: string, status = 'active') {
  const { url, rpc } = await startGateway()
  rpc.answer(IdentityService.method.getAgent, ({ did }) => ({
    did,
    status,
    didDocument,
    createdAt: { seconds: 1768473000n },
  }))
  return fetch(`${url}/v1/agent/did:agent:example.com:00`, { headers: { accept } })
}

async function refuse(accept: string, reason: ReasonCode) {
  const { url, rpc } = await startGateway()
  rpc.answer(IdentityService.method.getAgent, () => {
    throw new ApiError(reason)
  })
  return fetch(`${url}/v1/agent/did:agent:example.com:00`, { headers: { accept } })
}

describe('an agent as', () => {
  it('JSON, for whoever asks for nothing else', async () => {
    const answer = await resolve('text/html, */*;q=0.8')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('vary')).toBe('Accept')
    expect(await answer.json()).toMatchObject({ status: 'active', did_document: didDocument })
  })

  it('JSON, also when it is revoked', async () => {
    expect((await resolve('application/json', 'revoked')).status).toBe(200)
  })

  it('its DID document', async () => {
    const answer = await resolve('application/did+json')
    expect(answer.headers.get('content-type')).toBe('application/did+json')
    expect(await answer.json()).toStrictEqual(didDocument)
  })

  it.each(['application/did-resolution', linked])('%s', async (accept) => {
    const answer = await resolve(accept)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(accept)
    expect(await answer.json()).toStrictEqual({
      didDocument,
      didResolutionMetadata: { contentType: 'application/did+json' },
      didDocumentMetadata: { created: '2026-01-15T10:30:00Z', deactivated: false },
    })
  })

  it.each(['application/did+json', 'application/did-resolution', linked])('%s, gone when revoked', async (accept) => {
    expect((await resolve(accept, 'revoked')).status).toBe(410)
  })

  it('a result that says deactivated when it is revoked', async () => {
    const answer = await resolve('application/did-resolution', 'revoked')
    expect(await answer.json()).toMatchObject({ didDocument, didDocumentMetadata: { deactivated: true } })
  })
})

describe('a refused resolution', () => {
  it.each<[ReasonCode, number, string]>([
    ['AGENT_NOT_FOUND', 404, 'notFound'],
    ['INVALID_DID', 400, 'invalidDid'],
    ['INVALID_ARGUMENT', 400, 'invalidDid'],
  ])('%s is %i %s', async (reason, status, error) => {
    const answer = await refuse('application/did-resolution', reason)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/did-resolution')
    expect(await answer.json()).toStrictEqual({
      didDocument: null,
      didResolutionMetadata: { error },
      didDocumentMetadata: {},
    })
  })

  it.each([
    ['application/did-resolution', 'RATE_LIMITED', 429],
    ['application/did+json', 'AGENT_NOT_FOUND', 404],
    ['application/json', 'AGENT_NOT_FOUND', 404],
  ] as const)('for %s %s is a problem document', async (accept, reason, status) => {
    const answer = await refuse(accept, reason)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await answer.json()).toMatchObject({ reason })
  })
})
