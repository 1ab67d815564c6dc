import { ANY_ACTOR, checkHolders } from '@auth4agent/core/delegation/check-holders'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { LookupAudienceOwnerResponseSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { findOpenAudiences } from '../../../services/authn/chains/check-callers.ts'
import { verifyGrantChain } from '../../../services/revocation/verify-grant-chain.ts'
import type { HolderCase } from '../../vectors/protocol/make/grant-holders.ts'
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
  holders: HolderCase[]
}

const { kty, crv, x, kid } = file.grant_key
const verifier = importTokenVerifier('Ed25519', { kty, crv, x })
const find = async (wanted: string) =>
  wanted === kid && verifier ? ({ kid, alg: 'Ed25519', state: 'active', verify: verifier.verify } as const) : undefined
const verify = (chain: string) => verifyGrantChain(chain, { issuer: file.issuer, keys: { find, findNow: find } })

/** What does not matter for the rules about parties. */
const PARTY = { id: 'grant', kid: 'key', epoch: [1, 1], exp: 0 } as const

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

  it.each(file.holders)('the rules of the verifier and of the owner decide: $name', async (vector) => {
    const { audience, owner, operators, actors = [], expect: expected } = vector
    const [first, ...others] = vector.parties.map(({ did, operator_id: operatorId }) => ({ ...PARTY, did, operatorId }))
    if (first === undefined) throw new Error('A vector must have a party')
    const parties = [first, ...others] as const
    const demands = {
      operators: operators === 'any' ? [] : operators,
      actors: actors === 'any' ? [ANY_ACTOR] : actors,
    }
    const response = create(LookupAudienceOwnerResponseSchema, {
      operatorId: owner?.operator_id ?? '',
      rules: owner?.rules.map(({ audience: at, callers }) => ({ audience: at, callers: [...callers] })) ?? [],
    })
    const directory = { lookupAudienceOwner: async () => response }
    const open = await findOpenAudiences({ issuer: file.issuer, operators: directory }, [audience], parties)
    const refusal = checkHolders({ parties }, demands) ?? ('refusal' in open ? open.refusal : undefined)
    const outcome = refusal === undefined ? 'accepted' : { refused: refusal.reason, hop: refusal.hop }
    expect(outcome).toEqual(expected)
  })
})
