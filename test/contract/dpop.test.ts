import { describe, expect, it } from 'vitest'
import { DEMANDS, demandDpop } from './cases/audiences.ts'
import { dpopCases, ISSUERS } from './cases/dpop.ts'
import { EVERYWHERE, PROOF_KEYS, proofFor } from './cases/proofs.ts'
import { shortName } from './support/contract.ts'
import type { Answered, CaseAnswer, RefusalCase, Transport } from './support/refusal.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { claimsOf, sendGood } from './support/send-good.ts'

const world = useWorld()

runCases(world, dpopCases)

type Proof = NonNullable<RefusalCase['proof']>

const runs = ISSUERS.flatMap((issuer) =>
  EVERYWHERE.map((transport) => [shortName(issuer.method), transport, issuer] as const),
)

/** Asks for a token with a proof. */
function ask(
  { method, request }: (typeof ISSUERS)[number],
  transport: Transport,
  proof: Proof | undefined,
  audience?: readonly string[],
): Promise<CaseAnswer> {
  return sendGood(world(), transport, { method, request: request(world(), audience), ...(proof && { proof }) })
}

/** Returns `cnf` of the token and `token_type` of the answer. */
function bindingOf(answer: Answered) {
  return { type: answer['token_type'], cnf: claimsOf(answer['access_token'])['cnf'] }
}

describe.each(runs)('%s over %s', (_, transport, issuer) => {
  it.each(Object.entries(PROOF_KEYS))('binds the token to the key of a proof under %s', async (_alg, key) => {
    const answer = await ask(issuer, transport, (_world, target) => proofFor(target, {}, key))
    expect(bindingOf(answer.expectAnswered())).toEqual({ type: 'DPoP', cnf: { jkt: key.kid } })
  })

  it('issues a bearer token without a proof', async () => {
    const answer = await ask(issuer, transport, undefined)
    expect(bindingOf(answer.expectAnswered())).toEqual({ type: 'Bearer', cnf: undefined })
  })

  it('accepts a proof once', async () => {
    let proof: string | undefined
    const same: Proof = (_world, target) => (proof ??= proofFor(target))
    ;(await ask(issuer, transport, same)).expectAnswered()
    const before = await world().snapshot('')
    ;(await ask(issuer, transport, same)).expectReason('DPOP_PROOF_USED')
    expect(await world().snapshot('')).toEqual(before)
  })

  it('accepts an audience’s demand for a nonce with the nonce of the refusal, more than once', async () => {
    await demandDpop(world())
    const audience = ['https://nonce.acme-operator.com/']
    const refused = await ask(issuer, transport, (_world, target) => proofFor(target), audience)
    refused.expectReason('DPOP_NONCE_REQUIRED')
    const nonce = refused.dpopNonce
    for (let uses = 0; uses < 2; uses += 1) {
      const proof: Proof = (_world, target) => proofFor(target, { claims: { nonce } })
      const answer = await ask(issuer, transport, proof, audience)
      expect(bindingOf(answer.expectAnswered())).toMatchObject({ type: 'DPoP' })
      expect(answer.dpopNonce).toBeUndefined()
    }
  })

  it('accepts a proof without a nonce for an audience that demands only a proof', async () => {
    await demandDpop(world())
    const audience = Object.keys(DEMANDS).filter((host) => host.startsWith('required'))
    const answer = await ask(
      issuer,
      transport,
      (_world, target) => proofFor(target),
      audience.map((host) => `https://${host}/`),
    )
    expect(bindingOf(answer.expectAnswered())).toMatchObject({ type: 'DPoP' })
  })

  it.each<[string, Proof]>([
    ['a query and a fragment in htu', (_world, target) => proofFor(target, { claims: { htu: `${target.url}?a=1#b` } })],
    [
      'htu in another notation of the same URL',
      (_world, target) =>
        proofFor(target, { claims: { htu: target.url.replace('http://localhost', 'HTTP://LOCALHOST') } }),
    ],
    ['ath, because the request carries no token', (_world, target) => proofFor(target, { claims: { ath: 'x' } })],
    [
      'iat up to a minute ago',
      (_world, target) => proofFor(target, { claims: { iat: Math.floor(Date.now() / 1000) - 50 } }),
    ],
    ['a nonce that nobody demanded', (_world, target) => proofFor(target, { claims: { nonce: 'x' } })],
    ['unknown claims', (_world, target) => proofFor(target, { claims: { x: { y: [1] } } })],
    ['a kid', (_world, target) => proofFor(target, { header: { kid: 'x' } })],
    [
      'additional public members of the key',
      (_world, target) =>
        proofFor(target, { header: { jwk: { ...PROOF_KEYS.ES256.jwk, use: 'sig', alg: 'ES256', kid: 'x' } } }),
    ],
  ])('accepts a proof with %s', async (_name, proof) => {
    const answer = await ask(issuer, transport, proof)
    expect(bindingOf(answer.expectAnswered())).toEqual({ type: 'DPoP', cnf: { jkt: PROOF_KEYS.ES256.kid } })
  })
})
