import { describe, expect, it } from 'vitest'
import { type Outcome, resolve, ENTITY_TYPE as TYPE } from '../../../test/support/federation/resolve-policies.ts'
import { applyMetadataPolicy, checkCriticalOperators, readMetadataPolicy } from './metadata-policy.ts'
import type { FederationRule } from './refusal.ts'

describe('metadata policy, scope', () => {
  it.each<[string, object, string | undefined, Outcome]>([
    ['subset_of keeps the common words', { subset_of: ['a', 'b'] }, 'c b  a', { resolved: { scope: 'b a' } }],
    ['superset_of refuses a missing word', { superset_of: ['a'] }, 'b', { rule: 'METADATA_REFUSED' }],
    ['value is written as one text', { value: 'a b' }, 'c', { resolved: { scope: 'a b' } }],
    ['default as a list is written as one text', { default: ['a', 'b'] }, undefined, { resolved: { scope: 'a b' } }],
    ['value as a text is part of subset_of', { value: 'a', subset_of: ['a', 'b'] }, 'c', { resolved: { scope: 'a' } }],
    ['add appends a word', { add: ['b'] }, 'a', { resolved: { scope: 'a b' } }],
  ])('%s', (_, scope, before, expected) => {
    const { outcome } = resolve([{ scope }], before === undefined ? {} : { scope: before })
    expect(outcome).toEqual(expected)
  })
})

describe('readMetadataPolicy', () => {
  it.each<[string, unknown]>([
    ['a list', []],
    ['an entity type with a list', { [TYPE]: [] }],
    ['a parameter with a text', { [TYPE]: { p: 'a' } }],
    ['a parameter with null', { [TYPE]: { p: null } }],
  ])('refuses %s', (_, json) => {
    expect(readMetadataPolicy(json)).toMatchObject({ ok: false, rule: 'POLICY_MALFORMED' })
  })

  it('says which operator of which parameter is wrong', () => {
    expect(readMetadataPolicy({ [TYPE]: { p: { add: 1 } } })).toMatchObject({
      text: `add for "${TYPE}" "p" must be a list of texts, numbers or objects`,
    })
  })
})

describe('applyMetadataPolicy', () => {
  it('leaves entity types without a policy, and does not add entity types', () => {
    const read = readMetadataPolicy({ absent: { p: { value: 1 } }, present: { p: { value: 1 } } })
    if (!read.ok) throw new Error(read.text)
    const applied = applyMetadataPolicy(
      read.policy,
      new Map([
        ['present', {}],
        ['other', { p: 2 }],
      ]),
    )
    expect(applied).toEqual({
      ok: true,
      metadata: new Map([
        ['present', { p: 1 }],
        ['other', { p: 2 }],
      ]),
    })
  })

  it('finds no value under a name of Object.prototype', () => {
    const read = readMetadataPolicy({ constructor: { toString: { essential: true } } })
    if (!read.ok) throw new Error(read.text)
    const applied = applyMetadataPolicy(read.policy, new Map([['constructor', {}]]))
    expect(applied).toMatchObject({ rule: 'METADATA_REFUSED' })
  })
})

describe('checkCriticalOperators', () => {
  it('accepts a statement without the claim', () => {
    expect(checkCriticalOperators(undefined)).toBeUndefined()
  })

  it.each<[string, unknown, FederationRule]>([
    ['an unknown operator', ['regexp'], 'POLICY_CRIT_UNKNOWN'],
    ['a standard operator', ['value'], 'POLICY_MALFORMED'],
    ['a standard operator after an unknown one', ['regexp', 'value'], 'POLICY_MALFORMED'],
    ['an empty list', [], 'POLICY_MALFORMED'],
    ['a text', 'regexp', 'POLICY_MALFORMED'],
    ['a list with a number', [1], 'POLICY_MALFORMED'],
    ['null', null, 'POLICY_MALFORMED'],
  ])('refuses %s', (_, json, rule) => {
    expect(checkCriticalOperators(json)).toMatchObject({ ok: false, rule })
  })
})
