import { beforeEach, describe, expect, it } from 'vitest'
import { openCalls } from './open-calls.ts'

let sent: unknown[]
const fetch: typeof globalThis.fetch = async (input, init) => {
  sent.push(await new Request(input, init).json())
  return Response.json({ valid: true, revoked: false })
}
const server = openCalls({ server: 'https://auth.example', fetch })

beforeEach(() => {
  sent = []
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

  it('sends only the token if nothing is required, because older servers know no proofs', async () => {
    await server.verifyToken('a.b.c')
    expect(sent).toEqual([{ token: 'a.b.c' }])
  })
})
