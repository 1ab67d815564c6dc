import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect'
import { beforeEach, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { authorized } from './connect.ts'

let shown: (string | null)[]
let forgotten: string[]
let count: number
let refusals: ConnectError[]

beforeEach(() => {
  shown = []
  forgotten = []
  count = 0
})

const agent = {
  async token() {
    count += 1
    return `token-${count}`
  },
  forget: (token: string) => void forgotten.push(token),
}

function admit(header: Headers): void {
  shown.push(header.get('authorization'))
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
const refusal = (challenge: string, code = Code.Unauthenticated) =>
  new ConnectError('no', code, { 'www-authenticate': challenge })
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
