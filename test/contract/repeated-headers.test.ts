import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { PROOF_KEYS, proofFor } from './cases/proofs.ts'
import { sendHttp } from './support/http.ts'
import { useWorld } from './support/run-cases.ts'

const world = useWorld({ env: { AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1' } })

/** Calls with a bound token: for each the claims of the token, and what the answer is with a good and a bad proof. */
const CALLS = [
  {
    name: 'a call of this server',
    path: '/ssf/stream',
    query: '',
    claims: { scope: 'ssf.manage' },
    good: [200, undefined],
    bad: [401, 'INVALID_ACCESS_TOKEN'],
  },
  {
    name: 'a check for a proxy',
    path: '/v1/authz',
    query: '?audience=http%3A%2F%2Flocalhost%3A8080',
    claims: {},
    good: [204, undefined],
    bad: [401, 'PROOF_INVALID'],
  },
] as const

describe.each(CALLS)('$name with a token that is bound to a key', ({ path, query, claims, good, bad }) => {
  const url = `http://localhost:8080${path}`
  const send = async (proofsOf: (make: () => string) => string | readonly string[]) => {
    const token = world().token({ ...claims, cnf: { jkt: PROOF_KEYS.ES256.kid } })
    const ath = createHash('sha256').update(token).digest('base64url')
    const dpop = proofsOf(() => proofFor({ method: 'GET', url }, { claims: { ath } }))
    const original = { 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'localhost:8080' }
    const headers = { authorization: `DPoP ${token}`, dpop, ...original, 'x-forwarded-uri': path }
    const answer = await sendHttp(world().server.baseUrl, { verb: 'GET', path: path + query, headers })
    const reason = answer.headers['x-auth4agent-reason'] ?? /"reason":"(\w+)"/.exec(answer.text)?.[1]
    return [answer.status, reason]
  }

  it('is accepted with one DPoP header', async () => expect(await send((make) => make())).toEqual(good))

  it.each<[string, (make: () => string) => readonly string[]]>([
    ['two proofs', (make) => [make(), make()]],
    ['the same proof twice', (make) => Array.from({ length: 2 }, () => '').fill(make())],
    ['a good proof and an empty one', (make) => [make(), '']],
    ['an empty proof and a good one', (make) => ['', make()]],
    ['a good proof and a wrong one', (make) => [make(), 'a.b.c']],
    ['two proofs in one line', (make) => [`${make()}, ${make()}`]],
  ])('is refused with %s (RFC 9449 section 4.3)', async (_name, proofsOf) => {
    expect(await send(proofsOf)).toEqual(bad)
  })
})
