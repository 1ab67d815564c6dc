import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect'
import { beforeEach, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { AuthorizationOptions } from './agent.ts'
import { authorized } from './connect.ts'

let shown: (string | null)[]
/** The proofs that were sent, and the nonces that the agent got. */
let proofs: (string | null)[]
let nonces: (string | undefined)[]
let isBound: boolean
let forgotten: string[]
let count: number
let refusals: ConnectError[]

beforeEach(() => {
  shown = []
  proofs = []
  nonces = []
  isBound = false
  forgotten = []
  count = 0
})

const agent = {
  async authorization(method: string, url: string | URL, { nonce }: AuthorizationOptions = {}) {
    count += 1
    nonces.push(nonce)
    if (!isBound) return { authorization: `Bearer token-${count}` }
    return { authorization: `DPoP token-${count}`, dpop: `${method} ${new URL(url).pathname} ${nonce}` }
  },
  forget: (token: string) => void forgotten.push(token),
}

function admit(header: Headers): void {
  shown.push(header.get('authorization'))
  proofs.push(header.get('dpop'))
  const refusal = refusals.shift()
  if (refusal !== undefined) throw refusal
}

const transport = createRouterTransport(
  ({ service }) => {
    service(AuthnService, {
      verifyToken(_request, { requestHeader }) {
        admit(requestHeader)
        return { valid: true }
      },
    })
  },
  { transport: { interceptors: [authorized(agent)] } },
)
const ask = () => createClient(AuthnService, transport).verifyToken({})
const refusal = (challenge: string, code = Code.Unauthenticated, more = {}) =>
  new ConnectError('no', code, { 'www-authenticate': challenge, ...more })
const INVALID = 'Bearer error="invalid_token"'

it('authorized sends the token, and a new token when the first is refused', async () => {
  refusals = [refusal(INVALID)]
  expect(await ask()).toMatchObject({ valid: true })
  expect(shown).toEqual(['Bearer token-1', 'Bearer token-2'])
  expect(forgotten).toEqual(['token-1'])
})

it('authorized sends a call at most twice', async () => {
  refusals = [refusal(INVALID), refusal(INVALID)]
  await expect(ask()).rejects.toMatchObject({ code: Code.Unauthenticated })
  expect(shown).toHaveLength(2)
})

it.each([
  ['for a missing scope', refusal('Bearer error="insufficient_scope"')],
  ['for another reason', refusal(INVALID, Code.PermissionDenied)],
  ['without a reason', refusal('')],
])('authorized does not send the call again when it is refused %s', async (_name, error) => {
  refusals = [error]
  await expect(ask()).rejects.toThrow('no')
  expect(forgotten).toEqual([])
  expect(shown).toHaveLength(1)
})

const PATH = '/auth4agent.v1.AuthnService/VerifyToken'
const NONCE = refusal('DPoP error="use_dpop_nonce"', Code.Unauthenticated, { 'dpop-nonce': 'n' })

it('authorized sends a proof with a bound token, and answers a demand for a nonce once', async () => {
  isBound = true
  refusals = [NONCE]
  expect(await ask()).toMatchObject({ valid: true })
  expect(shown).toEqual(['DPoP token-1', 'DPoP token-2'])
  expect(proofs).toEqual([`POST ${PATH} undefined`, `POST ${PATH} n`])
  expect(forgotten).toEqual([])
  refusals = [NONCE, NONCE]
  await expect(ask()).rejects.toMatchObject({ code: Code.Unauthenticated })
  expect(shown).toHaveLength(4)
})

it('authorized answers a demand for a nonce and renews a refused token in one call', async () => {
  isBound = true
  refusals = [refusal('DPoP error="invalid_token"'), NONCE]
  expect(await ask()).toMatchObject({ valid: true })
  expect(nonces).toEqual([undefined, undefined, 'n'])
  expect(forgotten).toEqual(['token-1'])
})

it.each([
  ['the answer has no nonce', true, refusal('DPoP error="use_dpop_nonce"')],
  ['the token is not bound', false, NONCE],
])('authorized does not answer a demand for a nonce if %s', async (_name, bound, error) => {
  isBound = bound
  refusals = [error]
  await expect(ask()).rejects.toThrow('no')
  expect(shown).toHaveLength(1)
})

it("authorized removes the caller's proof from a call with a token that is not bound", async () => {
  refusals = []
  await createClient(AuthnService, transport).verifyToken({}, { headers: { dpop: 'another' } })
  expect(proofs).toEqual([null])
})

it('authorized does not send a stream again, but passes its nonce to the agent', async () => {
  isBound = true
  const call = authorized(agent)(() => Promise.reject(NONCE))
  const request = { stream: true, requestMethod: 'POST', url: `https://api.example${PATH}`, header: new Headers() }
  await expect(call(request as Parameters<typeof call>[0])).rejects.toBe(NONCE)
  expect(nonces).toEqual([undefined, 'n'])
})
