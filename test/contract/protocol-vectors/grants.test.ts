import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { verifyGrantChain } from '@auth4agent/core/delegation/verify-grant-chain'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import { readVectors, type Vector } from '../support/read-vectors.ts'

interface ReadHop {
  readonly id: string
  readonly sub: string
  readonly jkt: string
  readonly epoch: readonly number[]
  readonly del_depth: number
  readonly a4a_to: readonly string[]
  readonly edges?: readonly string[]
  readonly authorization_details: unknown
}

const file = readVectors('grants.json') as {
  issuer: string
  grant_key: { kty: string; crv: string; x: string; kid: string }
  accepted: Vector<{ chain: string }, ReadHop[]>[]
  refused: Vector<{ chain: string }, { refused: string; hop: number | null }>[]
}

const { kty, crv, x, kid } = file.grant_key
const verifier = importTokenVerifier('Ed25519', { kty, crv, x })
const find = async (wanted: string) =>
  wanted === kid && verifier ? ({ kid, alg: 'Ed25519', state: 'active', verify: verifier.verify } as const) : undefined
const verify = (chain: string) => verifyGrantChain(chain, { issuer: file.issuer, keys: { find, findNow: find } })

describe('grants.json', () => {
  it.each(file.accepted)('core accepts the chain: $name', async ({ chain, expect: expected }) => {
    const verified = await verify(chain)
    if (!verified.ok) throw new Error(`${verified.hop} ${verified.reason}: ${verified.rule}`)
    expect(verified.chain.hops).toMatchObject(
      expected.map((hop) => ({
        id: hop.id,
        did: hop.sub,
        jkt: hop.jkt,
        epoch: hop.epoch,
        depth: hop.del_depth,
        allowedDomains: hop.a4a_to,
        ...(hop.edges && { edges: hop.edges }),
      })),
    )
    const capabilities = expected.map((hop) => parseCapabilities(hop.authorization_details))
    expect(capabilities).toEqual(verified.chain.hops.map((hop) => ({ ok: true, value: hop.capabilities })))
  })

  it.each(file.refused)('core refuses the chain: $name', async ({ chain, expect: { refused, hop } }) => {
    expect(await verify(chain)).toMatchObject({ ok: false, reason: refused, hop: hop ?? undefined })
  })
})
