import { generatePrivateKey } from '@auth4agent/sdk/node'
import { expect, it } from 'vitest'
import { checkToken } from './check-token.ts'
import { createProbe } from './probe.ts'

const SERVER = 'http://localhost:1234'
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'

/** Checks the token of an agent. The server refuses the challenge, and tells the state of the agent. */
async function check(reason: string, agent: object | undefined) {
  const fetch: typeof globalThis.fetch = async (input) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    if (pathname === '/health') return Response.json({ status: 'ok' })
    if (pathname === `/v1/agent/${DID}`) return Response.json(agent ?? {}, { status: agent === undefined ? 404 : 200 })
    return Response.json({ reason, detail: 'Refused' }, { status: 403 })
  }
  const probe = createProbe({ server: SERVER, fetch, now: Date.now, timeoutMs: 1000 })
  const { signal } = new AbortController()
  return checkToken({ probe, did: DID, signer: generatePrivateKey().signer, fetch, signal })
}

it.each<[string, string, object | undefined, readonly string[]]>([
  ['nothing if the agent is suspended, which another finding reports', 'AGENT_NOT_ACTIVE', { status: 'suspended' }, []],
  ['nothing if the agent is pending, which another finding reports', 'AGENT_NOT_ACTIVE', { status: 'pending' }, []],
  ['a problem if the server calls the agent active elsewhere', 'AGENT_NOT_ACTIVE', { status: 'active' }, ['problem']],
  ['a problem if nothing else tells the state', 'AGENT_NOT_ACTIVE', undefined, ['problem']],
  ['a problem for another reason', 'INVALID_SIGNATURE', { status: 'suspended' }, ['problem']],
])('checkToken finds %s', async (_name, reason, agent, levels) => {
  const findings = await check(reason, agent)
  expect(findings.map(({ level }) => level)).toEqual(levels)
})
