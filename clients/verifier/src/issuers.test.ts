import { describe, expect, it, vi } from 'vitest'
import { chainOutcome, newHolder, SHOP, TOOLS, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { proofClient } from '../../../test/clients/verifier/proofs.ts'
import { ACME, CARGO, followedIssuers, subjectOf, twoIssuers } from '../../../test/clients/verifier/two-issuers.ts'
import { becomes } from '../../../test/support/followed-log.ts'
import { DISCOVERY, outcomeOf, VERIFY } from '../../../test/support/offline-verifier.ts'
import { chainSigner } from '../../../test/support/signed-chains.ts'
import { toPrometheus } from './prometheus.ts'
import { createMetadata } from './resource-metadata.ts'

/** Follows both logs until the verifier has read them. */
async function readyIssuers() {
  const made = await followedIssuers()
  for (const { connection, log } of Object.values(made.logs)) connection.send(log.head())
  await made.verifier.ready()
  return made
}

describe('a verifier of two issuers', () => {
  it('refuses the tokens of one issuer with a temporary reason until it has read its log', async () => {
    const { alpha, beta, verifier, logs } = await followedIssuers()
    logs.beta.connection.send(logs.beta.log.head())
    await verifier.ready({ issuers: [beta.issuer] })
    expect(await outcomeOf(verifier, beta.newToken())).toBe('VALID')
    await expect(verifier.verify(alpha.newToken())).rejects.toMatchObject({
      reason: 'ISSUER_REVOCATIONS_STALE',
      isTemporary: true,
    })
    const holder = newHolder(ACME)
    const chain = await alpha.chains.rootFor(holder)
    expect(await chainOutcome(verifier, chain, await wantedWith(holder, chain))).toBe('ISSUER_REVOCATIONS_STALE')
    logs.alpha.connection.send(logs.alpha.log.head())
    await verifier.ready()
    expect(await outcomeOf(verifier, alpha.newToken())).toBe('VALID')
  })

  it("lets an issuer's log end only tokens of this issuer", async () => {
    const { alpha, beta, verifier, logs } = await readyIssuers()
    const who = subjectOf(ACME)
    const one = { operatorId: who.operator_id, subject: 'one' }
    const other = subjectOf(CARGO)
    const [ofAlpha, marker] = [alpha.newToken({ ...who, jti: 'one' }), beta.newToken({ ...other, jti: 'marker' })]
    for (const token of [ofAlpha, marker]) expect(await outcomeOf(verifier, token)).toBe('VALID')
    const { log, connection } = logs.beta
    connection.send(
      log.append(one),
      log.append({ kind: 'agent', operatorId: who.operator_id, subject: who.sub, minimumEpoch: 2_147_483_647 }),
      log.append({ kind: 'operator', operatorId: who.operator_id, subject: '', minimumEpoch: 2_147_483_647 }),
      log.append({ kind: 'key', subject: alpha.key.kid }),
      log.append({ operatorId: other.operator_id, subject: 'marker' }),
      log.head(),
    )
    await becomes(verifier, marker, 'TOKEN_REVOKED')
    expect(await outcomeOf(verifier, ofAlpha)).toBe('VALID')
    logs.alpha.connection.send(logs.alpha.log.append(one), logs.alpha.log.head())
    await becomes(verifier, ofAlpha, 'TOKEN_REVOKED')
  })

  it('asks the issuer of a token, by its own scopes, if its knowledge is stale', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    const asked: unknown[] = []
    const token = beta.newToken({ scope: 'orders:read', jti: 'asked', ...subjectOf(CARGO) })
    const { jti, sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const follow = { revocations: { authorization: async () => 'Bearer x' }, onStale: 'ask' } as const
    const verifier = newVerifier({
      issuers: [alpha.trusted(follow), beta.trusted({ ...follow, scopes: { 'orders:read': ['read'] } })],
      onProblem: () => undefined,
      fetch: async (url, init) => {
        if (url === `${beta.issuer}${DISCOVERY}`) return Response.json(beta.answers[DISCOVERY])
        if (url !== `${beta.issuer}${VERIFY}`) return Response.json({ keys: beta.keys })
        asked.push(await new Request(url, init).json())
        return Response.json({ valid: true, claims: { jti, sub } })
      },
    })
    expect(await outcomeOf(verifier, token, { scope: 'read' })).toBe('VALID')
    expect(asked).toEqual([{ token, audience: [SHOP], operators: [CARGO] }])
  })

  it('accepts a proof once, whichever issuer the token comes from', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    const verifier = newVerifier()
    const client = proofClient()
    const url = `${SHOP}/orders`
    const cnf = { jkt: client.key.kid }
    const send = (token: string, jti: string) => {
      const dpop = { proof: client.prove({ url, token }, { jti }), method: 'GET', url }
      return outcomeOf(verifier, token, { dpop })
    }
    expect(await send(alpha.newToken({ cnf }), 'once')).toBe('VALID')
    expect(await send(beta.newToken({ cnf }), 'once')).toBe('PROOF_REPLAYED')
    expect(await send(beta.newToken({ cnf }), 'twice')).toBe('VALID')
  })

  it('says which issuer a delegation is by, and refuses a chain that names none', async () => {
    const { alpha, beta, verifier } = await readyIssuers()
    const [principal, actor] = [newHolder(CARGO), newHolder(CARGO)]
    const chain = await beta.chains.chainThrough([principal, actor])
    const wanted = await wantedWith(actor, chain)
    expect(await verifier.verifyDelegated(chain, wanted)).toMatchObject({
      issuer: beta.issuer,
      principal: principal.did,
      actor: actor.did,
    })
    expect(await chainOutcome(verifier, '~', wanted)).toBe('MALFORMED_GRANT')
    expect(await chainOutcome(verifier, 'a.b.c', wanted)).toBe('MALFORMED_TOKEN')
    expect(await outcomeOf(verifier, chain)).toBe('DELEGATION_NOT_ACCEPTED')
    // Alpha says in the name of beta who holds the last grant.
    const forger = chainSigner(alpha.grantSigner, { tools: TOOLS, epoch: [3, 2], issuer: beta.issuer })
    const last = newHolder(CARGO)
    const forged = await forger.handOn(chain, actor, last)
    expect(await chainOutcome(verifier, forged, await wantedWith(last, forged))).toBe('UNKNOWN_KEY at 2')
  })

  it('names all issuers in the metadata of the API', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    const answer = createMetadata(newVerifier(), { resource: SHOP })('GET', '/.well-known/oauth-protected-resource')
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ authorization_servers: [alpha.issuer, beta.issuer] })
  })

  it('refuses every token after close', async () => {
    const { alpha, newVerifier } = twoIssuers()
    const verifier = newVerifier()
    expect(await outcomeOf(verifier, alpha.newToken())).toBe('VALID')
    verifier.close()
    expect(await outcomeOf(verifier, alpha.newToken())).toBe('VERIFIER_CLOSED')
  })
})

describe('Verifier.ready with several issuers', () => {
  it('rejects if one of them cannot become ready, and resolves for the others', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    alpha.answers[DISCOVERY] = { issuer: beta.issuer }
    const problems: [string, string][] = []
    const verifier = newVerifier({ onProblem: (error, issuer) => problems.push([issuer, String(error)]) })
    await expect(verifier.ready()).rejects.toMatchObject({ reason: 'ISSUER_MISMATCH' })
    await verifier.ready({ issuers: [beta.issuer] })
    expect(problems).toEqual([[alpha.issuer, expect.stringContaining('names another issuer')]])
  })

  it.each<[string, readonly string[]]>([
    ['an empty list', []],
    ['an issuer that the verifier does not have', ['https://c.example']],
  ])('rejects with TypeError for %s', async (_name, issuers) => {
    await expect(twoIssuers().newVerifier().ready({ issuers })).rejects.toThrow(TypeError)
  })

  it("rejects with the signal's reason", async () => {
    const { verifier } = await followedIssuers()
    await expect(verifier.ready({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    const stop = new AbortController()
    const ready = verifier.ready({ signal: stop.signal })
    stop.abort('later')
    await expect(ready).rejects.toBe('later')
  })

  it('does not keep the process alive after it has rejected', async () => {
    const { alpha, beta, newVerifier } = twoIssuers()
    alpha.answers[DISCOVERY] = { issuer: beta.issuer }
    delete beta.answers[DISCOVERY]
    const [set, clear] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearTimeout')]
    const verifier = newVerifier({ onProblem: () => undefined })
    await expect(verifier.ready()).rejects.toMatchObject({ reason: 'ISSUER_MISMATCH' })
    const held = set.mock.results.map(({ value }) => value)
    expect(held).toHaveLength(2)
    await vi.waitFor(() => expect(clear.mock.calls.flat()).toEqual(expect.arrayContaining(held)))
    vi.restoreAllMocks()
  })
})

/** Returns the name of a sample with its labels. */
function of(name: string, ...labels: readonly string[]): string {
  return `auth4agent_verifier_${name}{${labels.join()}}`
}

describe('the metrics of several issuers', () => {
  it('show which issuer is not ready, and add the others up', async () => {
    const { alpha, beta, verifier, logs } = await followedIssuers()
    logs.beta.connection.send(logs.beta.log.append(), logs.beta.log.head())
    await verifier.ready({ issuers: [beta.issuer] })
    await outcomeOf(verifier, alpha.newToken())
    await outcomeOf(verifier, beta.newToken())
    await outcomeOf(verifier, beta.newToken({ iss: 'https://c.example' }))
    await outcomeOf(verifier, 'a.b.c')
    const { issuers, ...sum } = verifier.metrics()
    expect(issuers).toMatchObject({
      [alpha.issuer]: {
        stalenessSeconds: Number.POSITIVE_INFINITY,
        records: 0,
        keys: 2,
        verifications: { ISSUER_REVOCATIONS_STALE: 1 },
      },
      [beta.issuer]: { stalenessSeconds: expect.any(Number), records: 1, keys: 2, verifications: { VALID: 1 } },
    })
    expect(issuers?.[beta.issuer]?.stalenessSeconds).not.toBe(Number.POSITIVE_INFINITY)
    expect(sum).toMatchObject({
      stalenessSeconds: Number.POSITIVE_INFINITY,
      records: 1,
      keys: 4,
      rememberedTokens: 1,
      verifications: { VALID: 1, ISSUER_REVOCATIONS_STALE: 1, ISSUER_NOT_TRUSTED: 1, MALFORMED_TOKEN: 1 },
    })
    const lines = toPrometheus(verifier.metrics()).split('\n')
    const [a, b] = [`issuer="${alpha.issuer}"`, `issuer="${beta.issuer}"`]
    expect(lines).toEqual(
      expect.arrayContaining([
        `${of('staleness_seconds', a)} +Inf`,
        `${of('revocations', b)} 1`,
        `${of('verifications_total', a, 'reason="ISSUER_REVOCATIONS_STALE"')} 1`,
        `${of('verifications_total', b, 'reason="VALID"')} 1`,
        `${of('verifications_total', 'issuer=""', 'reason="ISSUER_NOT_TRUSTED"')} 1`,
        `${of('verifications_total', 'issuer=""', 'reason="MALFORMED_TOKEN"')} 1`,
        'auth4agent_verifier_remembered_tokens 1',
      ]),
    )
    expect(lines.filter((line) => line.includes('reason='))).toHaveLength(4)
  })
})
