import { describe, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { startGateway } from '../../test/support/gateway.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ReasonCode } from '../platform/errors/reasons.ts'

const linked = 'application/ld+json;profile="https://w3id.org/did-resolution"'
const didDocument = { id: 'did:agent:example.com:00' }

async function resolve(accept: string, status = 'active', keySeq = 0, movedTo = '') {
  const { url, rpc } = await startGateway()
  rpc.answer(IdentityService.method.getAgent, ({ did }) => ({
    did,
    status,
    movedTo,
    didDocument,
    createdAt: { seconds: 1768473000n },
    keySeq,
    updatedAt: { seconds: 1768473001n },
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

describe('GET /v1/agent/{did}', () => {
  it('answers JSON when the Accept header prefers no other representation', async () => {
    const answer = await resolve('text/html, */*;q=0.8')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('vary')).toBe('Accept')
    expect(await answer.json()).toMatchObject({ status: 'active', did_document: didDocument })
  })

  it('answers 200 with JSON for a revoked agent', async () => {
    expect((await resolve('application/json', 'revoked')).status).toBe(200)
  })

  it('answers only the DID document for application/did+json', async () => {
    const answer = await resolve('application/did+json')
    expect(answer.headers.get('content-type')).toBe('application/did+json')
    expect(await answer.json()).toStrictEqual(didDocument)
  })

  it.each(['application/did-resolution', linked])('answers the result of the resolution for %s', async (accept) => {
    const answer = await resolve(accept)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(accept)
    expect(await answer.json()).toStrictEqual({
      didDocument,
      didResolutionMetadata: { contentType: 'application/did+json' },
      didDocumentMetadata: { created: '2026-01-15T10:30:00Z', deactivated: false, versionId: '0' },
    })
  })

  it('answers when the document was updated, and its version', async () => {
    const answer = await resolve('application/did-resolution', 'active', 2)
    expect(await answer.json()).toMatchObject({
      didDocumentMetadata: { updated: '2026-01-15T10:30:01Z', versionId: '2' },
    })
  })

  it('answers 410 with the canonicalId for an agent that has moved', async () => {
    const answer = await resolve(linked, 'revoked', 0, 'did:agent:example.org:00')
    expect(answer.status).toBe(410)
    expect(await answer.json()).toMatchObject({
      didDocumentMetadata: { deactivated: true, canonicalId: 'did:agent:example.org:00' },
    })
  })

  it.each(['application/did+json', 'application/did-resolution', linked])(
    'answers 410 to %s for a revoked agent',
    async (accept) => {
      expect((await resolve(accept, 'revoked')).status).toBe(410)
    },
  )

  it('answers a result that says deactivated for a revoked agent', async () => {
    const answer = await resolve('application/did-resolution', 'revoked')
    expect(await answer.json()).toMatchObject({ didDocument, didDocumentMetadata: { deactivated: true } })
  })
})

describe('GET /1.0/identifiers/{did}', () => {
  const created = { seconds: 1768473000n }
  const didDocumentMetadata = { created, updated: { seconds: 1768473001n }, deactivated: false, versionId: '3' }

  async function identifier(accept: string | undefined, answer: object | ReasonCode = {}, query = '') {
    const { url, rpc } = await startGateway()
    const requests: object[] = []
    rpc.answer(IdentityService.method.resolveDid, (request) => {
      requests.push(request)
      if (typeof answer === 'string') throw new ApiError(answer)
      return { didDocument, didDocumentMetadata: { ...didDocumentMetadata, ...answer } }
    })
    const headers = accept === undefined ? {} : { accept }
    const response = await fetch(`${url}/1.0/identifiers/did%3Aagent%3Aexample.com%3A00${query}`, { headers })
    return { response, requests }
  }

  it.each([
    [undefined, 'application/did-resolution'],
    ['*/*', 'application/did-resolution'],
    ['application/json', 'application/did-resolution'],
    ['application/did-resolution', 'application/did-resolution'],
    [linked, linked],
  ])('answers the result of the resolution to Accept: %s', async (accept, type) => {
    const { response } = await identifier(accept)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toStrictEqual({
      didDocument,
      didResolutionMetadata: { contentType: 'application/did+json' },
      didDocumentMetadata: {
        created: '2026-01-15T10:30:00Z',
        updated: '2026-01-15T10:30:01Z',
        deactivated: false,
        versionId: '3',
      },
    })
  })

  it('answers only the DID document for application/did+json', async () => {
    const { response } = await identifier('application/did+json')
    expect(response.headers.get('content-type')).toBe('application/did+json')
    expect(await response.json()).toStrictEqual(didDocument)
  })

  it('answers 410 for a deactivated DID, and no updated for its first version', async () => {
    const { response } = await identifier(undefined, { deactivated: true, updated: undefined, versionId: '0' })
    expect(response.status).toBe(410)
    expect(await response.json()).toMatchObject({
      didDocumentMetadata: { created: '2026-01-15T10:30:00Z', deactivated: true, versionId: '0' },
    })
  })

  it.each([
    ['?versionId=7', { versionId: '7' }],
    ['?versionTime=2026-01-15T10:30:00Z', { versionTime: { seconds: 1768473000n } }],
  ])('reads the resolution option %s', async (query, option) => {
    const { requests } = await identifier(undefined, {}, query)
    expect(requests).toMatchObject([{ did: 'did:agent:example.com:00', ...option }])
  })

  it.each<[ReasonCode, number, string]>([
    ['AGENT_NOT_FOUND', 404, 'notFound'],
    ['INVALID_DID', 400, 'invalidDid'],
    ['INVALID_ARGUMENT', 400, 'invalidOptions'],
  ])('answers %s as status %i and error %s', async (reason, status, error) => {
    const { response } = await identifier(undefined, reason)
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/did-resolution'])
    expect(await response.json()).toStrictEqual({
      didDocument: null,
      didResolutionMetadata: { error },
      didDocumentMetadata: {},
    })
  })

  it('answers invalidOptions for a versionTime that is no time, and a problem document for another option', async () => {
    const wrong = await identifier(undefined, {}, '?versionTime=yesterday')
    expect(await wrong.response.json()).toMatchObject({ didResolutionMetadata: { error: 'invalidOptions' } })
    const unknown = await identifier(undefined, {}, '?versionTmie=1')
    expect(await unknown.response.json()).toMatchObject({ reason: 'UNKNOWN_FIELD' })
  })
})

describe('GET /v1/agent/{did} of a refused resolution', () => {
  it.each<[ReasonCode, number, string]>([
    ['AGENT_NOT_FOUND', 404, 'notFound'],
    ['INVALID_DID', 400, 'invalidDid'],
    ['INVALID_ARGUMENT', 400, 'invalidDid'],
  ])('answers %s as status %i and error %s', async (reason, status, error) => {
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
  ] as const)('answers a problem document to %s for the reason %s', async (accept, reason, status) => {
    const answer = await refuse(accept, reason)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await answer.json()).toMatchObject({ reason })
  })
})
