import { expect, it } from 'vitest'
import { type Caller, chainOutcome } from '../../../test/clients/verifier/chains.ts'
import { MCP, setUpMcp } from '../../../test/clients/verifier/mcp-calls.ts'

/** Makes a verifier and the options of `verifyChain` for a call of the tool `refund`. */
async function setUp() {
  const { verifier, chain, actor, proofOf } = await setUpMcp({}, { audience: MCP })
  const caller: Caller = verifier
  const dpop = { proof: await actor.prove(chain, { url: MCP }), method: 'POST', url: MCP }
  const toolCall = { tool: 'refund', address: MCP, proof: await proofOf('refund', { amount: 5 }) }
  const wanted = { scope: 'read', arguments: () => ({ amount: 5 }), dpop, toolCall }
  return { verify: (change: object) => chainOutcome(caller, chain, { ...wanted, ...change }), toolCall }
}

it('verifyDelegated accepts the call of a tool with a call proof', async () => {
  const { verify } = await setUp()
  expect(await verify({})).toBe('VALID')
})

it('verifyDelegated refuses the call of a tool whose arguments are not known, although no grant limits them', async () => {
  const { verify } = await setUp()
  expect(await verify({ arguments: () => undefined })).toBe('ARGUMENTS_NEEDED')
})

it('verifyDelegated refuses the call of a tool without a call proof', async () => {
  const { verify, toolCall } = await setUp()
  expect(await verify({ toolCall: { ...toolCall, proof: undefined } })).toBe('PROOF_REQUIRED')
})

it.each<[string, object]>([
  ['undefined', { toolCall: undefined }],
  ['a text', { toolCall: 'refund' }],
  ['no tool', { toolCall: { address: MCP, proof: 'x' } }],
  ['an address that is no URL', { toolCall: { tool: 'refund', address: '/mcp', proof: 'x' } }],
  ['an unknown member', { toolCall: { tool: 'refund', address: MCP, proof: 'x', args: {} } }],
])('verifyDelegated throws TypeError for the option toolCall with %s', async (_name, change) => {
  const { verify } = await setUp()
  await expect(verify(change)).rejects.toMatchObject({
    name: 'TypeError',
    message: expect.stringContaining('toolCall'),
  })
})
