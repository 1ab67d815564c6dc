import { createHash } from 'node:crypto'
import { verifySignedRequest } from '@auth4agent/core/identity/signed-request'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newAgentParty } from '../../support/parties.ts'
import { type Json, outcomeOf } from '../../support/protocol-client.ts'
import { runSql } from '../../support/sql.ts'
import { activeAgent, expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { type Target, WIRES, type Wire } from './wires.ts'

/** More than fits into the metadata of a forwarded call. */
const LARGE = 40_000

let deployment: Deployment
let operator: KeyedOperator
let strict: KeyedOperator
let agent: AgentParty
let target: Target
let strictTarget: Target

beforeAll(async () => {
  deployment = await startDeployment()
  const { client, dns, server } = deployment
  operator = await provenOperator(client, dns, 'agents.example.com')
  strict = await provenOperator(client, dns, 'strict.example.net')
  agent = await activeAgent(client, operator)
  target = { server, operatorId: operator.id, agent: agent.did }
  strictTarget = { server, operatorId: strict.id, agent: (await activeAgent(client, strict)).did }
  await runSql(deployment.databaseUrl, `UPDATE operators SET require_body_digest = true WHERE id = '${strict.id}'`)
})
afterAll(() => deployment?.stop())

const digest = (body: Uint8Array | string) => createHash('sha256').update(body).digest('base64url')

/** Returns an assertion for a call, with the digest of a body. */
const assertionFor = (wire: Wire, body: Uint8Array | undefined, by = operator, at = target) =>
  by.assert(wire.rpc(at), body && { body: digest(body) })

/** Returns the newest record of the operator's audit, with its signed request. */
async function newest(): Promise<{ readonly record: Json; readonly signed_request: Json }> {
  const list = await deployment.client.get<readonly Json[]>(`/v1/operators/${operator.id}/audit?page_size=1`, operator)
  const [record] = expectStatus(200, list)
  const path = `/v1/operators/${operator.id}/audit/${String(record?.['id'])}`
  return expectStatus(200, await deployment.client.get<{ record: Json; signed_request: Json }>(path, operator))
}

describe.each(WIRES.map((wire) => [wire.name, wire] as const))(
  'an assertion with the digest of the body over %s',
  (_, wire) => {
    it.each([0, LARGE])('is accepted for that body of at least %i bytes, and the audit proves it', async (size) => {
      const body = wire.body(target, `label ${size}`, size)
      expect(await wire.send(target, body, assertionFor(wire, body))).toBe('OK')
      const { record, signed_request: kept } = await newest()
      const {
        rpc,
        signatures,
        body_digest: bodyDigest,
      } = kept as { rpc: string; signatures: string[]; body_digest: string }
      const sent = Buffer.from(String(kept['body']), 'base64')
      expect(sent.equals(body)).toBe(true)
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: operator.keys.publicKey.toString('base64url') } as const
      const verdict = verifySignedRequest({ rpc, signatures, body: sent, bodyDigest }, jwk)
      expect(verdict).toMatchObject({
        ok: true,
        kind: 'assertion',
        issuer: operator.id,
        coversBody: true,
        hasBody: true,
      })
      expect(record).toMatchObject({ action: 'agent.update', kid: thumbprint(jwk.x), key_label: '' })
    })

    it('is refused with another body, also a second time, and changes nothing', async () => {
      const [body, other] = [wire.body(target, 'wanted'), wire.body(target, 'swapped')]
      const assertion = assertionFor(wire, body)
      expect(await wire.send(target, other, assertion)).toBe('BODY_DIGEST_MISMATCH')
      expect(await wire.send(target, body, assertion)).toBe('OK')
      expect(await wire.send(target, other, assertion)).toBe('BODY_DIGEST_MISMATCH')
      expect(await wire.send(target, body, assertion)).toBe('ASSERTION_USED')
    })

    it('is refused with the same message in other bytes', async () => {
      const body = wire.body(target, 'same')
      expect(await wire.send(target, wire.body(target, 'same', body.length + 9), assertionFor(wire, body))).toBe(
        'BODY_DIGEST_MISMATCH',
      )
    })

    it('is needed for a change if the operator requires it, and only then', async () => {
      const body = wire.body(target, 'plain')
      expect(await wire.send(target, body, assertionFor(wire, undefined))).toBe('OK')
      const strictBody = wire.body(strictTarget, 'plain')
      const send = (assertion: string) => wire.send(strictTarget, strictBody, assertion)
      expect(await send(assertionFor(wire, undefined, strict, strictTarget))).toBe('BODY_DIGEST_REQUIRED')
      expect(await send(assertionFor(wire, strictBody, strict, strictTarget))).toBe('OK')
    })
  },
)

const reactivate = (body: string | undefined, claims: object) => {
  const path = `/v1/operators/${operator.id}/agents/${agent.did}/reactivate`
  return deployment.client.send('POST', path, body, operator.assert(`POST ${path}`, claims)).then(outcomeOf)
}

describe('the digest of a body over REST', () => {
  it.each<[string, string | undefined, string, string]>([
    ['no body and the digest of no bytes', undefined, '', '409 AGENT_NOT_SUSPENDED'],
    ['an empty body and the digest of no bytes', '', '', '409 AGENT_NOT_SUSPENDED'],
    ['the body null and its digest', 'null', 'null', '409 AGENT_NOT_SUSPENDED'],
    ['the body null and the digest of no bytes', 'null', '', '401 BODY_DIGEST_MISMATCH'],
    ['no body and the digest of null', undefined, 'null', '401 BODY_DIGEST_MISMATCH'],
    ['the body {} and the digest of null', '{}', 'null', '401 BODY_DIGEST_MISMATCH'],
    ['a body with a space and the digest without it', '{ }', '{}', '401 BODY_DIGEST_MISMATCH'],
  ])('with %s', async (_name, body, hashed, outcome) => {
    expect(await reactivate(body, { body: digest(hashed) })).toBe(outcome)
  })

  it('of a read is the digest of no bytes, and need not be there', async () => {
    const path = `/v1/operators/${strict.id}/agents`
    const read = (claims: object) => deployment.client.send('GET', path, undefined, strict.assert(undefined, claims))
    expect((await read({})).status).toBe(200)
    expect((await read({ body: digest('') })).status).toBe(200)
    expect(outcomeOf(await read({ body: digest('x') }))).toBe('401 BODY_DIGEST_MISMATCH')
  })

  it('is checked in an assertion of the administrator too', async () => {
    const path = `/v1/operators/${newAgentParty('x.example').did}/suspend`
    const suspend = (hashed: string) =>
      deployment.client.send('POST', path, '{}', deployment.admin.assert(`POST ${path}`, { body: digest(hashed) }))
    expect(outcomeOf(await suspend('{}'))).toBe('404 OPERATOR_NOT_FOUND')
    expect(outcomeOf(await suspend('{"reason":"x"}'))).toBe('401 BODY_DIGEST_MISMATCH')
  })
})

function thumbprint(x: string): string {
  return digest(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)
}
