import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { describe, expect, it } from 'vitest'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import {
  type ChainedServer,
  payloadOf,
  provenBy,
  useChainedServer,
} from '../../../test/support/federation/chained-server.ts'
import { ACME, ACME_DID, ALPHA, AUDIENCE, alphaKey, EDGES } from '../../../test/support/federation/foreign-parties.ts'
import { asOperator } from '../../../test/support/identity.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const serve = useChainedServer()
const API = `${AUDIENCE}/orders`

async function issue(server: ChainedServer): Promise<string> {
  const { accessToken = '' } = await server.redeem()
  return accessToken
}

/** Verifies a token at a process, with a proof by the agent's key. */
function verify({ instances }: ChainedServer, token: string, process: 0 | 1 = 1) {
  const ath = sha256Text(token, 'base64url')
  const { dpop } = provenBy(undefined, { ath, htm: 'GET', htu: API })
  const proof = { dpopProof: dpop?.text ?? '', httpMethod: 'GET', httpUrl: API }
  return instances[process].verify(token, { audience: [AUDIENCE], scope: 'orders:read', ...proof })
}

const outcome = async (server: ChainedServer, token: string) => {
  const { valid, reason } = await verify(server, token)
  return valid === true ? 'VALID' : reason
}

/** Writes a record into the revocation log of B. */
const endHere = ({ database }: ChainedServer, kind: string, subject: string, minimum: number) =>
  database.db.pool.query('SELECT append_revocation($1, NULL, $2, $3, tokens_have_expired())', [kind, subject, minimum])

describe('a token for a grant of another deployment', () => {
  it('is valid at every process, and needs a proof of its key', async () => {
    const server = serve()
    const token = await issue(server)
    expect(await verify(server, token, 0)).toMatchObject({ valid: true, claims: { sub: ACME_DID, operatorId: ACME } })
    expect(await outcome(server, token)).toBe('VALID')
    expect(await server.instances[0].verify(token, { audience: [AUDIENCE] })).toMatchObject({
      reason: 'PROOF_REQUIRED',
    })
  })

  it('is active for an agent of the owner, which sees neither edges nor home', async () => {
    const server = serve()
    const answer = await server.instances[0].introspect(server.agent, await issue(server))
    expect(answer).toMatchObject({
      active: true,
      sub: ACME_DID,
      scope: 'orders:read',
      tokenType: 'DPoP',
      aud: [AUDIENCE],
    })
    expect(Object.keys(answer)).not.toContain('home')
    expect(Object.keys(answer)).not.toContain('edges')
  })

  it('ends when the owner presents it to RevokeToken', async () => {
    const server = serve()
    const [token, other] = [await issue(server), await issue(server)]
    await server.instances[0].revoke({ token })
    expect(await outcome(server, token)).toBe('TOKEN_REVOKED')
    expect(await outcome(server, other)).toBe('VALID')
  })

  it('does not end by its id, which the owner finds in its audit, and the refusal says so', async () => {
    const server = serve()
    const token = await issue(server)
    const jti = String(payloadOf(token)['jti'])
    const byOwner = () => server.instances[0].revoke({ jti }, asOperator(server.owner))
    await expectRefusal(server.database.db, byOwner, 'INVALID_ARGUMENT')
  })

  it.each<[string, ...Parameters<ChainedServer['world']['record']>]>([
    ['TOKEN_REVOKED', 'token', { operatorId: ACME, subject: 'token-at-home' }, ALPHA],
    ['AGENT_TOKENS_ENDED', 'agent', { operatorId: ACME, subject: ACME_DID, minimumEpoch: 4 }, ALPHA],
    ['OPERATOR_TOKENS_ENDED', 'operator', { operatorId: ACME, minimumEpoch: 8 }, ALPHA],
    ['UNKNOWN_KEY', 'key', { subject: alphaKey.entry.kid }, ALPHA],
  ])('is %s after a record of the kind %s at home', async (verdict, kind, ending, issuer) => {
    const server = serve()
    const token = await issue(server)
    server.world.record(kind, ending, issuer)
    const revoked = verdict !== 'UNKNOWN_KEY'
    expect(await verify(server, token)).toMatchObject({ valid: false, reason: verdict, revoked })
    expect(await server.instances[0].introspect(server.agent, token)).toEqual({ active: false })
  })

  it('is neither valid nor inactive while the revocations at home are not known', async () => {
    const server = serve()
    const token = await issue(server)
    const log = server.world.logs.get(ALPHA)
    if (log !== undefined) log.ageMs = 5_001
    expect(await verify(server, token)).toMatchObject({ reason: 'ISSUER_REVOCATIONS_STALE', revoked: false })
    for (const call of [() => server.instances[0].introspect(server.agent, token), () => server.redeem()]) {
      const error = await call().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(ApiError)
      expect(error).toMatchObject({ reason: 'UNAVAILABLE' })
      expect(error instanceof ApiError && error.retryAfter).toBeGreaterThan(0)
    }
  })
})

describe('attack 21: a token whose trust ends after its grant was judged, and before the grant is used,', () => {
  it.each([
    ['TRUST_ENDED', 'the statement of the owner', 'edge', EDGES.letsCall, 0],
    ['TRUST_ENDED', 'that the issuer speaks for the domain', 'edge', EDGES.alphaAcme, 0],
    ['ISSUER_DISABLED', 'the issuer', 'issuer', ALPHA, 2],
  ])('is born %s: %s', async (verdict, _what, kind, subject, minimum) => {
    const server = serve()
    server.between = () => endHere(server, kind, subject, minimum)
    const token = await issue(server)
    expect(await outcome(server, token)).toBe(verdict)
    await server.database.db.pool.query('DELETE FROM revocation_log')
    expect(await outcome(server, token)).toBe('VALID')
  })

  it('is born OPERATOR_TOKENS_ENDED at home', async () => {
    const server = serve()
    server.between = async () => server.world.record('operator', { operatorId: ACME, minimumEpoch: 8 }, ALPHA)
    expect(await outcome(server, await issue(server))).toBe('OPERATOR_TOKENS_ENDED')
  })
})

it('a token for a grant ends with all tokens of the deployment, and one of afterwards is valid', async () => {
  const server = serve()
  const token = await issue(server)
  const { pool } = server.database.db
  await pool.query('UPDATE deployment SET first_epoch = first_epoch + 5')
  expect(await outcome(server, token)).toBe('OPERATOR_TOKENS_ENDED')
  const later = await issue(server)
  expect(payloadOf(later)['epoch']).toEqual([1, 6])
  expect(await outcome(server, later)).toBe('VALID')
  // As after the restore of a backup: the epoch of the token is from the future.
  await pool.query('UPDATE deployment SET first_epoch = 1')
  expect(await outcome(server, later)).toBe('OPERATOR_TOKENS_ENDED')
})
