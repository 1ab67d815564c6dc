import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
import { expect, it } from 'vitest'
import { details, idOf } from '../../support/grant-chains.ts'
import { identityKeyOf } from '../../support/key-events.ts'
import { type AatVector, type AatVectors, createAatJudge, readAatVectors, signToken } from './aat-vectors.ts'

/** The reasons of core for each step at which the draft refuses a chain or a call. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  '2c': ['GRANT_REPEATED'],
  '3a': ['MALFORMED_GRANT', 'UNSUPPORTED_ALGORITHM'],
  '3b': ['SIGNATURE_INVALID', 'MALFORMED_GRANT'],
  '3c': ['ROOT_EXPECTED', 'MALFORMED_GRANT'],
  '3d': ['ROOT_EXPECTED'],
  '3e': ['GRANT_EXPIRED'],
  '3f': ['GRANT_NOT_YET_VALID'],
  '3h': ['LIFETIME_TOO_LONG'],
  '3k': ['WRONG_ISSUER'],
  '3l': ['KEY_NOT_ADMITTED'],
  '3m': ['MALFORMED_GRANT'],
  '3n/4o': ['UNKNOWN_CONSTRAINT', 'MALFORMED_CONSTRAINT'],
  '4b': ['NOT_BY_HOLDER'],
  '4c': ['NOT_BY_HOLDER'],
  '4d': ['DEPTH_OUT_OF_SEQUENCE'],
  '4e': ['DEPTH_EXCEEDED'],
  '4g': ['DEPTH_RAISED'],
  '4h': ['LIFETIME_EXTENDED', 'LIFETIME_TOO_LONG'],
  '4j': ['ISSUED_BEFORE_PARENT'],
  '4p1': ['CAPABILITY_ADDED'],
  '4p2': ['CONSTRAINT_DROPPED', 'ARGUMENT_ADDED'],
  '4p3': ['CONSTRAINT_DROPPED'],
  '4p4': ['CONSTRAINT_WIDENED'],
  '4q': ['PARENT_MISMATCH'],
  '6b': ['ARGUMENT_REFUSED', 'CAPABILITY_MISSING'],
  '6c': ['RESTRICTION_UNKNOWN'],
}

/** Vectors that the draft permits and core refuses, and why core is stricter. */
const STRICTER: Readonly<Record<string, readonly [reason: string, why: string]>> = {
  'J.6.8': [
    'RESTRICTION_UNKNOWN',
    'A grant has no aud: the audience is a part of each capability. A claim that restricts in another way is refused.',
  ],
}

/** Vectors that the draft refuses and core permits, and why no right is wider. */
const PERMITTED: Readonly<Record<string, string>> = {
  'J.6.10':
    'The enforcement point demands an aud in a grant. Here each capability names its audience, so there is nothing to demand.',
  'J.8.7':
    'An argument under a wildcard is 2^53 + 1. The wildcard limits no value, so its digits decide nothing. Every other constraint refuses such a number.',
}

/** Steps of the proof of the draft. Here, a proof is DPoP, which has tests of its own. */
const PROOF_STEP = /^7/

const [ISSUER, A, B] = [1, 2, 3].map((seed) => identityKeyOf(Buffer.alloc(32, seed)))
const NOW = 1_790_000_300
const HEADER = { alg: 'Ed25519', typ: 'aat+jwt' }

/** A few vectors of this project in the form of the draft, for test runs without its file. */
function ownVectors(): AatVectors {
  if (ISSUER === undefined || A === undefined || B === undefined) throw new RangeError('There must be three keys')
  const claimsOf = (jti: string, holder: typeof A, limit: object) => ({
    jti,
    iat: NOW - 300,
    exp: NOW + 600,
    del_max_depth: 2,
    cnf: { jwk: holder.jwk },
    authorization_details: details({ pay: { amount: { constraint_type: 'range', ...limit } } }),
  })
  const iss = 'https://auth.example.com'
  const root = signToken(ISSUER, HEADER, { ...claimsOf('own-0', A, { max: 500 }), iss, del_depth: 0 })
  const child = (limit: object, changed: object = {}, signer = A) => {
    const linked = { iss: thumbprintUri(A.kid), par_hash: idOf(root), del_depth: 1 }
    return signToken(signer, HEADER, { ...claimsOf('own-1', B, limit), ...linked, ...changed })
  }
  const vector = (id: string, chain: readonly string[], amount: number, step: string | null = null): AatVector => {
    const verdict = step === null ? 'PERMIT' : 'DENY'
    return { id, now: NOW, tool: 'pay', args: { amount }, chain_compact: chain, expected: { verdict, step } }
  }
  const keys = {
    issuer: { seed_hex: '01'.repeat(32) },
    a: { seed_hex: '02'.repeat(32) },
    b: { seed_hex: '03'.repeat(32) },
  }
  const vectors = [
    vector('own-1', [root], 500),
    vector('own-2', [root, child({ max: 100 })], 100),
    vector('own-3', [root, child({ max: 100 })], 101, '6b'),
    vector('own-4', [root, child({ max: 501 })], 1, '4p4'),
    vector('own-5', [root, child({ max: 1 }, {}, B)], 1, '4b'),
    vector('own-6', [root, child({ max: 1 }, { par_hash: 'A'.repeat(43) })], 1, '4q'),
    vector('own-7', [root, child({ max: 1 }, { exp: NOW + 601 })], 1, '4h'),
    vector('own-8', [`${root.slice(0, -20)}${'A'.repeat(20)}`], 1, '3b'),
  ]
  return { keys, trust_anchors: [{ iss, jwk: ISSUER.jwk }], vectors }
}

const files = [ownVectors(), await readAatVectors()].filter((file) => file !== undefined)
const rows = files.flatMap((file) => {
  const judge = createAatJudge(file)
  return file.vectors.map((vector) => ({ ...vector, judge }))
})
const isProof = ({ expected }: AatVector) => PROOF_STEP.test(expected.step ?? '')

it.each(rows.filter((row) => !isProof(row)))('core judges $id as the draft does', async ({ judge, ...vector }) => {
  const { id, expected } = vector
  const verdict = await judge.judge(vector)
  if (expected.verdict === 'PERMIT') {
    expect(verdict).toBe(STRICTER[id]?.[0] ?? 'PERMIT')
    expect(judge.isLinked(vector)).toBe(true)
  } else if (id in PERMITTED) {
    expect(verdict).toBe('PERMIT')
  } else {
    expect(REASONS[expected.step ?? '']).toContain(verdict)
  }
})

it.each(rows.filter(isProof))(
  'core permits the chain of $id, whose proof the draft refuses',
  async ({ judge, ...vector }) => {
    expect(await judge.judge(vector)).toBe('PERMIT')
    expect(judge.isLinked(vector)).toBe(true)
  },
)
