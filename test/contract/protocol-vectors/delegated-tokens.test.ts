import type { JsonWebKey } from 'node:crypto'
import { capabilitiesOf, verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { readVectors, type Vector } from '../support/read-vectors.ts'

interface Accepted {
  readonly sub: string
  readonly client_id: string
  readonly parties: readonly { readonly did: string; readonly operator_id: string; readonly id: string }[]
  readonly capabilities: readonly string[]
}

const file = readVectors('delegated-tokens.json') as {
  issuer: string
  jwks: { keys: JsonWebKey[] }
  accepted: Vector<{ token: string }, Accepted>[]
  refused: Vector<{ token: string }, string>[]
}

const published = importKeySet(file.jwks)
const find = async (kid: string) => published?.get(kid)
const keys = { find, findNow: find }

describe('delegated-tokens.json', () => {
  it.each(file.accepted)('core accepts the token: $name', async ({ token, expect: expected }) => {
    const genuine = await verifyDelegatedToken(token, file.issuer, keys)
    if ('verdict' in genuine) throw new Error(genuine.verdict)
    const { claims } = genuine
    expect({ sub: claims.sub, client_id: claims.client_id }).toEqual({
      sub: expected.sub,
      client_id: expected.client_id,
    })
    expect(claims.lineage.map(({ did, operatorId: operator_id, id }) => ({ did, operator_id, id }))).toEqual(
      expected.parties,
    )
    expect([...capabilitiesOf(claims).keys()].toSorted()).toEqual(expected.capabilities)
  })

  it.each(file.accepted)('act names everybody but the principal, the last one first: $name', ({ token, expect: e }) => {
    const named: unknown[] = []
    for (let { act } = decodeJwt<{ act?: { sub: string; act?: never } }>(token); act !== undefined; act = act.act)
      named.push(act.sub)
    expect(named).toEqual(
      e.parties
        .map(({ did }) => did)
        .slice(1)
        .toReversed(),
    )
  })

  it.each(file.accepted)('a verifier that accepts no delegation refuses the token: $name', async ({ token }) => {
    expect(isDelegatedToken(token)).toBe(true)
    expect(await verifyAccessToken(token, file.issuer, keys)).toEqual({ verdict: 'DELEGATION_NOT_ACCEPTED' })
  })

  it.each(file.refused)('core refuses the token: $name', async ({ token, expect: verdict }) => {
    expect(await verifyDelegatedToken(token, file.issuer, keys)).toEqual({ verdict })
  })
})
