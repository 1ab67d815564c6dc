import { describe, expect, it } from 'vitest'
import { newHolder } from '../../../test/clients/verifier/chains.ts'
import { delegatedToken } from '../../../test/clients/verifier/delegated.ts'
import { callOf, MCP, MCP_TOOLS, type McpWish, provenCall, setUpMcp } from '../../../test/clients/verifier/mcp-calls.ts'
import { newToken } from '../../../test/support/offline-verifier.ts'
import { protect } from './mcp.ts'

type Made = Awaited<ReturnType<typeof setUpMcp>>
type Sent = readonly [body: unknown, wish?: McpWish]

const PAY = { amount: 100 }
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

describe('protect of mcp for a chain', () => {
  it.each<[string, (made: Made) => Promise<Sent>]>([
    ['a call within the constraints', async ({ proven }) => [await proven('pay', PAY)]],
    ['a call of a tool without constraints', async ({ proven }) => [await proven('refund', { why: 'x' })]],
    ['a call without arguments', async ({ proven }) => [{ ...(await proven('refund', {})) }]],
    ['the list of tools', async () => [LIST]],
    ['the begin of a session', async () => [{ ...LIST, method: 'initialize' }]],
    ['a notification', async () => [{ jsonrpc: '2.0', method: 'notifications/initialized' }]],
    ['an answer of the client', async () => [{ jsonrpc: '2.0', id: 1, result: {} }]],
    ['a stream of messages', async () => [undefined, { method: 'GET' }]],
    ['the end of a session', async () => [{}, { method: 'DELETE' }]],
  ])('accepts %s', async (_name, make) => {
    const made = await setUpMcp()
    expect(await made.ask(...(await make(made)))).toBe('VALID')
  })

  it('accepts a call whose message has no arguments, if the proof is for no arguments', async () => {
    const made = await setUpMcp()
    const meta = { 'auth4agent/aat_pop': await made.proofOf('refund', {}) }
    expect(await made.ask(callOf('refund', undefined, meta))).toBe('VALID')
  })

  it.each<[string, string, (made: Made) => Promise<Sent>]>([
    [
      'an argument over the limit',
      '403 ARGUMENT_REFUSED',
      async ({ proven }) => [await proven('pay', { amount: 101 })],
    ],
    ['the limit as a text', '403 ARGUMENT_REFUSED', async ({ proven }) => [await proven('pay', { amount: '5' })]],
    ['an argument more', '403 ARGUMENT_REFUSED', async ({ proven }) => [await proven('pay', { ...PAY, to: 'me' })]],
    ['no argument', '403 ARGUMENT_REFUSED', async ({ proven }) => [await proven('pay', {})]],
    [
      'an argument that only its prototype has',
      '403 ARGUMENT_REFUSED',
      async ({ proofOf }) => {
        const meta = { 'auth4agent/aat_pop': await proofOf('pay', PAY) }
        return [JSON.parse(JSON.stringify(callOf('pay', { x: PAY }, meta)).replace('"x"', '"__proto__"'))]
      },
    ],
    ['a tool that no grant has', '403 CAPABILITY_MISSING', async ({ proven }) => [await proven('delete', PAY)]],
    ['a tool that is two scopes', '403 CAPABILITY_MISSING', async ({ proven }) => [await proven('refund read', PAY)]],
    ['a tool whose name is no scope', '403 CAPABILITY_MISSING', async ({ proven }) => [await proven('*', PAY)]],
    ['a tool without a name', '403 CAPABILITY_MISSING', async ({ proven }) => [await proven('', PAY)]],
    ['a call without a proof', '401 PROOF_REQUIRED', async () => [callOf('pay', PAY)]],
    [
      'a proof in another member',
      '401 PROOF_REQUIRED',
      async ({ proofOf }) => [callOf('pay', PAY, { aat_pop: await proofOf('pay', PAY) })],
    ],
    ['a proof that is no text', '401 PROOF_INVALID', async () => [callOf('pay', PAY, { 'auth4agent/aat_pop': 1 })]],
    [
      'the DPoP proof as call proof',
      '401 PROOF_INVALID',
      async ({ actor, chain }) => [callOf('pay', PAY, { 'auth4agent/aat_pop': await actor.prove(chain) })],
    ],
    [
      'the proof of another tool',
      '401 PROOF_INVALID',
      async ({ proofOf }) => [callOf('refund', PAY, { 'auth4agent/aat_pop': await proofOf('pay', PAY) })],
    ],
    [
      'the proof of other arguments',
      '401 PROOF_INVALID',
      async ({ proofOf }) => [callOf('pay', { amount: 99 }, { 'auth4agent/aat_pop': await proofOf('pay', PAY) })],
    ],
    [
      'the proof for another server',
      '401 PROOF_INVALID',
      async ({ proven }) => [await proven('pay', PAY, { address: 'https://c.example/mcp' })],
    ],
    [
      'the capability at another server',
      '401 PROOF_INVALID',
      async ({ proven }) => [await proven('pay', PAY, { capability: 'https://c.example/mcp#pay' })],
    ],
    [
      'the proof for the grant above',
      '401 PROOF_INVALID',
      async ({ proven, root }) => [await proven('pay', PAY, { leaf: provenCall(root, 'pay', PAY).leaf })],
    ],
    [
      'a proof by the holder of the grant above',
      '401 PROOF_INVALID',
      async ({ proven, principal }) => [await proven('pay', PAY, {}, principal)],
    ],
    ['two calls in one request', '403 ARGUMENTS_NEEDED', async ({ proven }) => [[await proven('pay', PAY), LIST]]],
    ['one call in a list', '403 ARGUMENTS_NEEDED', async ({ proven }) => [[await proven('pay', PAY)]]],
    ['a body that nobody has read', '403 ARGUMENTS_NEEDED', async () => [undefined]],
    ['a body that Express 4 could not read', '403 ARGUMENTS_NEEDED', async () => [{}]],
    ['a body that is a text', '403 ARGUMENTS_NEEDED', async ({ proven }) => [JSON.stringify(await proven('pay', PAY))]],
    ['another method than POST', '403 ARGUMENTS_NEEDED', async () => [undefined, { method: 'PUT' }]],
    ['a tool in a list', '403 ARGUMENTS_NEEDED', async () => [{ ...callOf('x', PAY), params: { name: ['pay'] } }]],
    ['a call without parameters', '403 ARGUMENTS_NEEDED', async () => [{ ...LIST, method: 'tools/call' }]],
    ['arguments in a list', '403 ARGUMENTS_NEEDED', async () => [callOf('refund', [])]],
    ['arguments that are null', '403 ARGUMENTS_NEEDED', async () => [callOf('refund', null)]],
    [
      'no DPoP proof',
      '401 PROOF_REQUIRED',
      async ({ proven, chain }) => [await proven('pay', PAY), { authorization: `Bearer ${chain}` }],
    ],
    [
      'another holder with its own DPoP proof',
      '401 PROOF_INVALID',
      async ({ proven, principal }) => [await proven('pay', PAY), { holder: principal }],
    ],
  ])('refuses %s with %s', async (_name, outcome, make) => {
    const made = await setUpMcp()
    expect(await made.ask(...(await make(made)))).toBe(outcome)
  })

  it('refuses a call proof that was used, also with another DPoP proof and in another request', async () => {
    const { proven, ask, verifier } = await setUpMcp()
    const message = await proven('pay', PAY)
    expect([await ask(message), await ask(message), await ask(await proven('pay', PAY))]).toEqual([
      'VALID',
      '401 PROOF_REPLAYED',
      'VALID',
    ])
    expect(verifier.metrics().verifications).toEqual({ VALID: 2, PROOF_REPLAYED: 1 })
  })

  it('does not use up the proof of a call that it refuses for its arguments', async () => {
    const { proven, ask, verifier } = await setUpMcp()
    const message = await proven('pay', { amount: 101 })
    expect([await ask(message), await ask(message)]).toEqual(['403 ARGUMENT_REFUSED', '403 ARGUMENT_REFUSED'])
    // The proofs of DPoP are used, because they come before the arguments are read.
    expect(verifier.metrics().rememberedProofs).toBe(2)
  })

  it('accepts the call proof of one request at several guards', async () => {
    const { proven, requestOf, judge, verifier } = await setUpMcp()
    const request = await requestOf(await proven('pay', PAY))
    const inner = protect(verifier, { resource: MCP, scope: 'read', delegation: 'accept' })
    expect(await judge(request)).toEqual(['VALID'])
    let hasPassed = false
    const response = { writeHead: () => ({ end: () => undefined }) }
    await inner(request, response, () => (hasPassed = true))
    expect(hasPassed).toBe(true)
  })

  it('refuses a call if the replay store fails, with a temporary reason', async () => {
    let count = 0
    const use = () => {
      count += 1
      if (count === 2) throw new Error('no connection')
      return true
    }
    const { proven, ask } = await setUpMcp({}, { replays: { use } })
    expect(await ask(await proven('pay', PAY))).toBe('503 PROOFS_UNAVAILABLE')
  })

  it('judges each request of a session by its own chain', async () => {
    const { handOn, root, principal, proven, ask } = await setUpMcp()
    const other = newHolder()
    const tools = { [`${MCP}#read`]: {}, [`${MCP}#pay`]: { amount: { constraint_type: 'range', max: 5 } } }
    const narrow = await handOn(root, principal, other, { tools })
    const withNarrow = async (amount: number) => {
      const { leaf } = provenCall(narrow, 'pay', { amount })
      return ask(await proven('pay', { amount }, { leaf }, other), { holder: other, chain: narrow })
    }
    expect([await withNarrow(5), await withNarrow(6)]).toEqual(['VALID', '403 ARGUMENT_REFUSED'])
    // The proof of the first holder is worth nothing with the chain of the other.
    expect(await ask(await proven('pay', { amount: 5 }), { holder: other, chain: narrow })).toBe('401 PROOF_INVALID')
  })

  it('needs the scope of all requests without constraints', async () => {
    const { rootFor, principal, ask } = await setUpMcp({ scope: 'pay' })
    const chain = await rootFor(principal, { tools: MCP_TOOLS })
    expect(await ask(LIST, { holder: principal, chain })).toBe('403 ARGUMENTS_NEEDED')
  })

  it('says in the answer what would be right', async () => {
    const { judge, requestOf, proven } = await setUpMcp()
    const titleOf = async (body: unknown) => (await judge(await requestOf(body)))[2]
    expect(await titleOf(await proven('pay', { amount: 101 }))).toBe(
      'An argument of the call is not allowed: at hop 0, the argument "amount" must satisfy its constraint range',
    )
    expect(await titleOf(callOf('pay', PAY))).toContain('a call proof in the member auth4agent/aat_pop of _meta')
    expect(await titleOf(await proven('pay', PAY, { address: 'https://c.example/mcp' }))).toContain(
      `in the call proof, aat_aud must be ${MCP}`,
    )
  })
})

it('protect of mcp checks the tool and its arguments for a delegated token, which needs no call proof', async () => {
  const made = await setUpMcp()
  const { ask, principal, actor } = made
  const { [`${MCP}#pay`]: pay } = MCP_TOOLS
  const chain = delegatedToken(made, [principal, actor], { aud: [MCP], tools: { [`${MCP}#pay`]: pay }, scope: 'read' })
  expect(await ask(LIST, { chain })).toBe('VALID')
  expect(await ask(callOf('pay', PAY), { chain })).toBe('VALID')
  expect(await ask(callOf('pay', { amount: 101 }), { chain })).toBe('403 ARGUMENT_REFUSED')
  expect(await ask(callOf('refund', PAY), { chain })).toBe('403 CAPABILITY_MISSING')
  expect(await ask([callOf('pay', PAY)], { chain })).toBe('403 ARGUMENTS_NEEDED')
})

it('protect of mcp refuses every chain unless it accepts delegation', async () => {
  const { proven, ask } = await setUpMcp({ delegation: 'refuse' })
  expect(await ask(await proven('pay', PAY))).toBe('401 DELEGATION_NOT_ACCEPTED')
})

it('protect of mcp accepts an access token without a call proof, and reads no body', async () => {
  const { issuer, requestOf, judge } = await setUpMcp()
  const authorization = `Bearer ${newToken(issuer.key, { scope: 'read', aud: [MCP] })}`
  const request = await requestOf(undefined)
  expect(await judge({ ...request, headers: { authorization } })).toEqual(['VALID'])
})
