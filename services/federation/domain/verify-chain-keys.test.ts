import { isLowS } from '@auth4agent/core/keys/low-s'
import { describe, expect, it } from 'vitest'
import { type Broken, changed, claim, statementAt, verifyPlan } from '../../../test/support/federation/chains.ts'
import {
  ANCHOR,
  anchorOf,
  type ChainPlan,
  createKey,
  type FederationKey,
  jwksOf,
  NOW_S,
  planConfiguration,
  planStatement,
  SUBJECT,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { readChain } from './chain-shape.ts'
import { verifyChain } from './verify-chain.ts'

const FOREIGN = createKey()
const AS = 'oauth_authorization_server'
const PLAIN = `${SUBJECT}/jwks`
const SERVER = { [AS]: { issuer: SUBJECT } }

/** Lets another key sign a statement. */
function sign(plan: ChainPlan, place: number, signer: FederationKey): void {
  statementAt(plan, place).signer = signer
}

/** Replaces the keys that a statement attests. */
function attest(plan: ChainPlan, place: number, ...keys: readonly FederationKey[]): void {
  claim(plan, place, { jwks: jwksOf(...keys) })
}

function keyAt(plan: ChainPlan, entity: number): FederationKey {
  return plan.keys[entity] ?? FOREIGN
}

/** Lets the subject state members of its metadata. */
function state(plan: ChainPlan, members: object): void {
  claim(plan, 0, { metadata: { [AS]: { issuer: SUBJECT, ...members } } })
}

/** Publishes a key under the `kid` of another key. */
function disguise(key: FederationKey, kid: string): FederationKey {
  return { ...key, kid, jwk: { ...key.jwk, kid } }
}

const SIGNATURES: readonly Broken[] = [
  ['a subject that signs with a key outside its configuration', (plan) => sign(plan, 0, FOREIGN), 'KEY_NOT_OWN', 0],
  [
    'a subject with a key that its superior does not attest',
    (plan) => {
      attest(plan, 0, FOREIGN)
      sign(plan, 0, FOREIGN)
    },
    'KEY_UNKNOWN',
    0,
  ],
  [
    'a subject with another key under the kid that its superior attests',
    (plan) => {
      const disguised = disguise(FOREIGN, keyAt(plan, 0).kid)
      attest(plan, 0, disguised)
      sign(plan, 0, disguised)
    },
    'KEY_UNKNOWN',
    0,
  ],
  ['a subject that withdrew the key that its superior attests', (plan) => attest(plan, 0, FOREIGN), 'KEY_NOT_OWN', 0],
  ['an intermediate with another key', (plan) => sign(plan, 1, FOREIGN), 'KEY_UNKNOWN', 1],
  ['an intermediate with the key of its subject', (plan) => sign(plan, 1, keyAt(plan, 0)), 'KEY_UNKNOWN', 1],
  ['an intermediate with the key of its superior', (plan) => sign(plan, 1, keyAt(plan, 2)), 'KEY_UNKNOWN', 1],
  ['a key that the superior stopped attesting', (plan) => attest(plan, 2, FOREIGN), 'KEY_UNKNOWN', 1],
  [
    'a statement by another key under the right kid',
    (plan) => sign(plan, 1, disguise(FOREIGN, keyAt(plan, 1).kid)),
    'SIGNATURE_INVALID',
    1,
  ],
  [
    'a statement of the anchor by another key under the right kid',
    (plan) => sign(plan, 3, disguise(FOREIGN, keyAt(plan, 3).kid)),
    'SIGNATURE_INVALID',
    3,
  ],
  [
    'a configuration of the anchor by another key under the right kid',
    (plan) => sign(plan, 4, disguise(FOREIGN, keyAt(plan, 3).kid)),
    'SIGNATURE_INVALID',
    4,
  ],
  ['an anchor that signs its configuration with another key', (plan) => sign(plan, 4, FOREIGN), 'KEY_NOT_OWN', 4],
  [
    'an anchor that withdrew its pinned key',
    (plan) => {
      attest(plan, 4, FOREIGN)
      sign(plan, 4, FOREIGN)
    },
    'KEY_UNKNOWN',
    3,
  ],
  [
    'a key that is attested for another algorithm',
    (plan) => {
      const { jwk } = keyAt(plan, 1)
      claim(plan, 2, { jwks: { keys: [{ ...jwk, alg: 'Ed25519' }] } })
    },
    'SIGNATURE_INVALID',
    1,
  ],
  [
    'a key that is pinned for another algorithm',
    (plan) => {
      const key = keyAt(plan, 3)
      plan.anchor = anchorOf(plan.anchor.entityId, { ...key, jwk: { ...key.jwk, alg: 'Ed25519' } })
    },
    'SIGNATURE_INVALID',
    3,
  ],
  [
    'an algorithm that does not fit the key',
    (plan) => {
      statementAt(plan, 1).header = { alg: 'ES256' }
    },
    'SIGNATURE_INVALID',
    1,
  ],
]

const METADATA: readonly Broken[] = [
  ['no authorization server', (plan) => claim(plan, 0, { metadata: { federation_entity: {} } }), 'ISSUER_MISSING', 0],
  ['no metadata', (plan) => claim(plan, 0, { metadata: undefined }), 'ISSUER_MISSING', 0],
  ['no issuer', (plan) => claim(plan, 0, { metadata: { [AS]: {} } }), 'ISSUER_MISMATCH', 0],
  ['another issuer', (plan) => claim(plan, 0, { metadata: { [AS]: { issuer: `${SUBJECT}/` } } }), 'ISSUER_MISMATCH', 0],
  [
    'an issuer that the superior replaces',
    (plan) => claim(plan, 1, { metadata: { [AS]: { issuer: 'https://b.example' } } }),
    'ISSUER_MISMATCH',
    0,
  ],
  [
    'an issuer that a policy replaces',
    (plan) => claim(plan, 3, { metadata_policy: { [AS]: { issuer: { value: 'https://b.example' } } } }),
    'ISSUER_MISMATCH',
    0,
  ],
  [
    'keys of tokens that the superior replaces',
    (plan) => {
      state(plan, { jwks: { keys: [] } })
      claim(plan, 1, { metadata: { [AS]: { jwks: jwksOf(FOREIGN) } } })
    },
    'KEYS_REPLACED',
    0,
  ],
  [
    'keys of tokens that only a superior names',
    (plan) => claim(plan, 3, { metadata_policy: { [AS]: { jwks_uri: { default: PLAIN } } } }),
    'KEYS_REPLACED',
    0,
  ],
  [
    'an address of keys that a policy replaces',
    (plan) => {
      state(plan, { jwks_uri: PLAIN })
      claim(plan, 3, { metadata_policy: { [AS]: { jwks_uri: { value: 'https://b.example/jwks' } } } })
    },
    'KEYS_REPLACED',
    0,
  ],
  [
    'signed keys that a policy removes, so that an address without a signature would count',
    (plan) => {
      state(plan, { jwks_uri: PLAIN, signed_jwks_uri: `${SUBJECT}/signed` })
      claim(plan, 2, { metadata_policy: { [AS]: { signed_jwks_uri: { value: null } } } })
    },
    'KEYS_REPLACED',
    0,
  ],
  [
    'an entity type that the anchor does not allow',
    (plan) => claim(plan, 3, { constraints: { allowed_entity_types: ['openid_provider'] } }),
    'ISSUER_MISSING',
    0,
  ],
  [
    'an entity type that the superior does not allow',
    (plan) => claim(plan, 1, { constraints: { allowed_entity_types: [] } }),
    'ISSUER_MISSING',
    0,
  ],
  [
    'metadata outside the policy of the anchor',
    (plan) => claim(plan, 3, { metadata_policy: { [AS]: { jwks: { essential: true } } } }),
    'METADATA_REFUSED',
    0,
  ],
  [
    'metadata outside the policy of the superior',
    (plan) => claim(plan, 1, { metadata_policy: { [AS]: { jwks: { essential: true } } } }),
    'METADATA_REFUSED',
    0,
  ],
  [
    'conflicting policies of the anchor and an intermediate',
    (plan) => {
      claim(plan, 3, { metadata_policy: { [AS]: { a: { value: 1 } } } })
      claim(plan, 2, { metadata_policy: { [AS]: { a: { value: 2 } } } })
    },
    'POLICY_CONFLICT',
    2,
  ],
]

describe.each<[string, readonly Broken[]]>([
  ['with wrong signatures', SIGNATURES],
  ['with wrong metadata', METADATA],
])('verifyChain, a chain %s', (_, cases) => {
  it.each(cases)('refuses %s', (_title, change, rule, place) => {
    expect(verifyPlan(changed(change))).toMatchObject({ ok: false, rule, place })
  })
})

describe('verifyChain, ES256', () => {
  const key = createKey('ES256')
  const text = signStatement(planConfiguration(SUBJECT, key, { authority_hints: [ANCHOR], metadata: SERVER }))
  const [above, top] = [planStatement(ANCHOR, key, SUBJECT, key), planConfiguration(ANCHOR, key)].map(signStatement)

  it.each([true, false])('accepts a signature whose S is the lower one: %s', (isLow) => {
    const read = readChain([withLowS(text, isLow), above ?? '', top ?? ''])
    if (!read.ok) throw new Error(read.text)
    expect(verifyChain(read.statements, anchorOf(ANCHOR, key), NOW_S)).toMatchObject({ ok: true })
  })
})

/** Replaces S in the signature of a statement by the lower or the higher of the two valid values. */
function withLowS(text: string, isLow: boolean): string {
  const end = text.lastIndexOf('.') + 1
  const signature = Buffer.from(text.slice(end), 'base64url')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const chosen = isLowS(signature) === isLow ? s : order - s
  return (
    text.slice(0, end) +
    Buffer.from(signature.subarray(0, 32).toString('hex') + chosen.toString(16).padStart(64, '0'), 'hex').toString(
      'base64url',
    )
  )
}

describe('verifyChain, the metadata', () => {
  it('may lose an address of keys by a policy, if the subject itself names a stronger one', () => {
    const plan = changed((plan) => {
      state(plan, { jwks_uri: PLAIN, signed_jwks_uri: `${SUBJECT}/signed` })
      claim(plan, 3, { metadata_policy: { [AS]: { jwks_uri: { value: null } } } })
    })
    expect(verifyPlan(plan)).toMatchObject({ ok: true })
  })

  it('is stated by the superior first, then limited to allowed types, then changed by the policies', () => {
    const plan = changed((plan) => {
      claim(plan, 0, { metadata: { [AS]: { issuer: SUBJECT, a: 1, b: 1 }, other: {}, federation_entity: { a: 1 } } })
      claim(plan, 1, { metadata: { [AS]: { b: 2, c: 2 }, absent: { a: 1 } } })
      claim(plan, 2, {
        metadata: { [AS]: { a: 3 } },
        metadata_policy: { [AS]: { b: { one_of: [2, 3] }, d: { default: 4 } } },
      })
      claim(plan, 3, {
        constraints: { allowed_entity_types: [AS, 'absent'] },
        metadata_policy: { other: { a: { essential: true } } },
      })
    })
    const metadata = new Map<string, object>([
      [AS, { issuer: SUBJECT, a: 1, b: 2, c: 2, d: 4 }],
      ['federation_entity', { a: 1 }],
    ])
    expect(verifyPlan(plan)).toMatchObject({ ok: true, chain: { metadata } })
  })
})
