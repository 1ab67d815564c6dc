import { beforeEach, describe, expect, it } from 'vitest'
import { CHAIN_ISSUER } from '../../../test/support/grant-chains.ts'
import { grantServer } from '../../../test/support/sdk/grant-server.ts'
import { openCalls } from './open-calls.ts'

let sent: unknown[]
let answer: object
const fetch: typeof globalThis.fetch = async (input, init) => {
  sent.push(await new Request(input, init).json())
  return Response.json(answer)
}
const server = openCalls({ server: 'https://auth.example', fetch })

beforeEach(() => {
  sent = []
  answer = { valid: true, revoked: false }
})

describe('OpenCalls.verifyToken', () => {
  it('sends the proof of the request that carried the token', async () => {
    const request = { dpopProof: 'd.e.f', httpMethod: 'GET', httpUrl: 'https://api.example/orders' }
    await server.verifyToken('a.b.c', {
      audience: ['https://api.example'],
      scope: 'read',
      operators: ['a.example'],
      ...request,
    })
    expect(sent).toEqual([
      {
        token: 'a.b.c',
        audience: ['https://api.example'],
        scope: 'read',
        operators: ['a.example'],
        dpop_proof: 'd.e.f',
        http_method: 'GET',
        http_url: 'https://api.example/orders',
      },
    ])
  })

  it('sends what a chain of grants needs', async () => {
    const args = { amount: 5 }
    await server.verifyToken('a~b', {
      delegation: 'accept',
      arguments: args,
      actors: ['a.example'],
      proofChecked: true,
    })
    expect(sent).toEqual([
      { token: 'a~b', delegation: 'accept', arguments: args, actors: ['a.example'], proof_checked: true },
    ])
  })

  it('sends what a token must state of attestation', async () => {
    await server.verifyToken('a.b.c', { attestation: { types: ['tpm'], level: 'hardware', maxAge: 60 } })
    expect(sent).toEqual([{ token: 'a.b.c', attestation: { types: ['tpm'], level: 'hardware', max_age: 60 } }])
    const wrong: object = { attestation: { max_age: 60 } }
    await expect(server.verifyToken('a.b.c', wrong)).rejects.toThrow(TypeError)
  })

  it('sends the issuers that are accepted, and returns why a token of one of them is valid', async () => {
    const trust = {
      issuer: 'https://a.example',
      edges: ['e'],
      effective_scope: 'read',
      audience: 'https://api.example',
      revocation_mode: 'log',
      max_staleness_ms: 5_000,
    }
    answer = { valid: true, revoked: false, trust }
    const wanted = { audience: ['https://api.example'], issuers: ['https://a.example'] }
    expect((await server.verifyToken('a.b.c', wanted)).trust).toEqual(trust)
    expect(sent).toEqual([{ token: 'a.b.c', ...wanted }])
    answer = { valid: true, revoked: false, trust: { ...trust, effective_scope: 1 } }
    await expect(server.verifyToken('a.b.c', wanted)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })

  it('sends only the token if nothing is required, because older servers know no proofs', async () => {
    await server.verifyToken('a.b.c')
    expect(sent).toEqual([{ token: 'a.b.c' }])
  })
})

describe('OpenCalls.holderStatement', () => {
  it('resolves with the statement of the agent', async () => {
    const { fetch, agent } = grantServer({ wallMs: Date.now })
    const { did, key } = agent('B')
    const { statement, publicKey, expiresAt } = await openCalls({ server: CHAIN_ISSUER, fetch }).holderStatement(did)
    expect(Buffer.from(publicKey)).toEqual(Buffer.from(key.publicKey))
    expect(JSON.parse(Buffer.from(statement.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      sub: did,
      cnf: { jkt: key.kid },
      exp: expiresAt.getTime() / 1000,
    })
  })

  it('rejects with TypeError for a text that is no DID', async () => {
    await expect(server.holderStatement('../x')).rejects.toBeInstanceOf(TypeError)
    expect(sent).toEqual([])
  })
})
