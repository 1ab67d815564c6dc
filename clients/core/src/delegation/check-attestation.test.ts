import { expect, it } from 'vitest'
import { checkAttestation } from './check-attestation.ts'

const NOW_S = 1_800_000_000
const DEMAND = { types: ['tpm'], attestors: [], level: 'bound', maxAgeS: 60 } as const
const party = (domain: string, operatorId: string) => ({
  did: `did:agent:${domain}:${'0'.repeat(32)}`,
  operatorId,
  epoch: [1, 1] as const,
  id: 'i',
  kid: 'k',
  exp: NOW_S + 60,
})
const PRINCIPAL = party('a.example', '01890000-0000-8000-8000-00000000000a')
const ACTOR = party('b.example', '01890000-0000-8000-8000-00000000000b')
const RESULT = { attestor: 'boot', type: 'tpm', level: 'bound', at: NOW_S - 60 } as const
type Authority = Parameters<typeof checkAttestation>[0]
type Claims = NonNullable<Authority['claims']>

/** Authority of the principal with which the actor acts. Only the claim `attestation` matters here. */
const authority = (
  attestation: Claims['attestation'],
  parties: Authority['parties'] = [PRINCIPAL, ACTOR],
): Authority => {
  const { operatorId: operator_id, did: sub, epoch } = PRINCIPAL
  const times = { iat: NOW_S, nbf: NOW_S, exp: NOW_S + 60 }
  const claims = { iss: 'i', sub, aud: ['a'], scope: '', operator_id, ...times, jti: 'j', client_id: ACTOR.did, epoch }
  const further = { cnf: { jkt: 'k' }, lineage: [], details: new Map() }
  return { parties, claims: { ...claims, ...further, ...(attestation && { attestation }) } }
}
const CHAIN: Authority = { parties: [PRINCIPAL, ACTOR], claims: undefined }

it.each<[name: string, isMet: boolean, of: Authority, operators: readonly string[], nowS?: number]>([
  ['the result of a delegated token', true, authority([RESULT]), []],
  ['a result that is one second too old', false, authority([RESULT]), [], NOW_S + 1],
  ['a delegated token without results', false, authority(undefined), []],
  ['an actor of a trusted operator', true, authority([RESULT]), ['a.example', 'b.example']],
  ['an actor of a trusted operator by id', true, authority([RESULT]), [ACTOR.operatorId]],
  ['an actor of an operator that is not trusted', false, authority([RESULT]), ['a.example']],
  ['the agent that acts for a user', true, authority([RESULT], [ACTOR]), ['b.example']],
  ['a chain of grants', false, CHAIN, []],
])('checkAttestation decides that a demand is met by %s: %s', (_, isMet, of, operators, nowS = NOW_S) => {
  const refusal = checkAttestation(of, DEMAND, operators, nowS)
  expect(refusal?.reason).toBe(isMet ? undefined : 'ATTESTATION_REQUIRED')
  expect(refusal?.hop).toBeUndefined()
})

it('checkAttestation accepts everything without a demand', () => {
  expect(checkAttestation(CHAIN, undefined, ['x.example'], NOW_S)).toBeUndefined()
})
