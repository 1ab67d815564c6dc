import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { sendHttp } from './support/http.ts'
import { restRequest } from './support/rest-request.ts'
import { useWorld } from './support/run-cases.ts'

const world = useWorld()
const { confirmDomain: confirm, registerOperator: register } = OperatorRegistryService.method
const proof = (op: string, rk: string) => `v=a4a1; iss=${world().issuer}; op=${op}; rk=${rk}`
const rootOf = ({ pair }: { pair: { publicKey: Uint8Array } }) => thumbprint(pair.publicKey)

/** Calls ConfirmDomain for an operator. Returns the answer. */
async function ask(id: string): Promise<unknown> {
  const { status, text } = await sendHttp(world().server.baseUrl, restRequest(confirm, { id }))
  expect(status).toBe(200)
  return JSON.parse(text)
}

describe('ConfirmDomain', () => {
  it.each([
    ['TXT_RECORD_NOT_FOUND', 'no record', []],
    [
      'TXT_RECORD_NOT_FOUND',
      'only records that are not for this server',
      ['v=spf1 -all', 'v=a4a1; iss=https://rogue.com; op=x; rk=y'],
    ],
    ['TXT_RECORD_MISMATCH', 'another key', 'key'],
    ['TXT_RECORD_MISMATCH', 'another operator', 'operator'],
    ['DNS_UNAVAILABLE', 'SERVFAIL', 'SERVFAIL'],
    ['DNS_UNAVAILABLE', 'REFUSED', 'REFUSED'],
  ] as const)('answers %s when DNS shows: %s', async (reason, _, answer) => {
    const {
      dns,
      operators: { pending, acme },
    } = world()
    const name = `_auth4agents.${pending.domain}`
    if (answer === 'key') dns.setTxt(name, [proof(pending.id, rootOf(acme))])
    else if (answer === 'operator') dns.setTxt(name, [proof(acme.id, rootOf(pending))])
    else if (typeof answer === 'string') dns.fail(name, answer)
    else dns.setTxt(name, answer)
    const before = await world().snapshot('')
    expect(await ask(pending.id)).toMatchObject({ verified: false, reason, verified_at: null })
    expect(await world().snapshot('')).toEqual(before)
  })

  it('answers INCUMBENT_PRESENT, then TAKEOVER_PENDING, when the domain has an active operator', async () => {
    const {
      dns,
      operators: { bravo },
      server,
    } = world()
    const { publicKey } = generateKeyPair()
    const request = { domain: bravo.domain, root_public_key: encodeBase64(publicKey) }
    const { text } = await sendHttp(server.baseUrl, restRequest(register, request))
    const { id } = JSON.parse(text) as { id: string }
    dns.setTxt(`_auth4agents.${bravo.domain}`, [proof(bravo.id, rootOf(bravo))])
    const before = await world().snapshot('')
    expect(await ask(id)).toMatchObject({ verified: false, reason: 'INCUMBENT_PRESENT', takeover_at: null })
    expect(await world().snapshot('')).toEqual(before)
    dns.setTxt(`_auth4agents.${bravo.domain}`, [proof(id, thumbprint(publicKey))])
    expect(await ask(id)).toMatchObject({
      verified: false,
      reason: 'TAKEOVER_PENDING',
      takeover_at: expect.stringMatching(/Z$/),
    })
  })
})
