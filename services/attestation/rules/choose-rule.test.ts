import { describe, expect, it } from 'vitest'
import { NOW, result, rule } from '../../../test/support/attestation-rules.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { chooseRule } from './choose-rule.ts'
import type { EnrolmentTerms } from './enrolment-terms.ts'
import { makeLabel } from './label.ts'
import { WorkBudget } from './work-budget.ts'

const ci = result('ci', { claims: { repository: 'acme/deploy', ref: 'main' }, expiresAt: NOW + 5000 })
const tpm = result('tpm', { level: 'hardware', claims: { firmware: 7 }, expiresAt: NOW + 3000 })

describe('chooseRule', () => {
  const wide = rule({ name: 'wide', allOf: ['ci'], label: '{ci.repository}', scopes: ['a', 'b'] })
  const narrow = rule({ name: 'narrow', allOf: ['ci'], when: 'claims.ci.ref == "main"', scopes: ['a'] })
  const other = rule({ name: 'other', allOf: ['tpm'] })

  it('chooses the only rule that is met', () => {
    expect(chooseRule([wide, other], '', [ci], NOW, new WorkBudget())).toEqual({ rule: wide, label: 'acme/deploy' })
  })

  it('chooses the named rule of several rules that are met', () => {
    expect(chooseRule([wide, narrow], 'narrow', [ci], NOW, new WorkBudget()).rule).toBe(narrow)
    expect(chooseRule([wide, narrow], 'wide', [ci], NOW, new WorkBudget()).rule).toBe(wide)
  })

  it.each<[string, readonly EnrolmentTerms[], string, string, string]>([
    ['two rules that are met', [wide, narrow, other], '', 'RULE_AMBIGUOUS', 'name one of wide, narrow'],
    ['no rules', [], '', 'ENROLMENT_REFUSED', 'The operator has no enrolment rule'],
    ['an unknown rule', [wide], 'wid', 'ENROLMENT_REFUSED', 'no enrolment rule "wid"'],
    ['the only rule, which is not met', [other], '', 'ENROLMENT_REFUSED', 'A result of the attestor tpm is needed'],
    ['a named rule that is not met', [wide, other], 'other', 'ENROLMENT_REFUSED', 'attestor tpm is needed'],
    ['several rules that are not met', [other, other], '', 'ENROLMENT_REFUSED', 'meet no enrolment rule'],
    [
      'a label without its claim',
      [rule({ allOf: ['ci'], label: '{ci.environment}' })],
      '',
      'ENROLMENT_REFUSED',
      'needs the claim ci.environment, which is missing',
    ],
  ])('refuses %s', (_name, rules, named, reason, message) => {
    const work = () => chooseRule(rules, named, [ci], NOW, new WorkBudget())
    expect(reasonOf(work)).toBe(reason)
    expect(work).toThrow(message)
  })

  it('makes the label only from results on which the rule rests', () => {
    const terms = rule({ anyOf: ['ci', 'tpm'], label: '{tpm.firmware}' })
    expect(reasonOf(() => chooseRule([terms], '', [ci, tpm], NOW, new WorkBudget()))).toBe('ENROLMENT_REFUSED')
  })
})

describe('makeLabel', () => {
  const claims = {
    text: 'x',
    number: 1.5,
    flag: true,
    list: ['a'],
    long: 'a'.repeat(101),
    control: 'a\nb',
    braces: '{ci.text}',
  }
  const of = (template: string) => makeLabel(template, [result('ci', { claims })])

  it('replaces each place by the text of a claim once', () => {
    expect(of('{ci.text}/{ci.number}/{ci.flag} {ci.text}')).toBe('x/1.5/true x')
    expect(of('{ci.braces}')).toBe('{ci.text}')
    expect(of('')).toBe('')
  })

  it.each([
    ['a missing claim', '{ci.missing}', 'needs the claim ci.missing, which is missing'],
    ['a member of the prototype of objects', '{ci.constructor}', 'needs the claim ci.constructor, which is missing'],
    ['a missing attestor', '{tpm.ek}', 'needs the claim tpm.ek, which is missing'],
    ['a list', '{ci.list}', 'ci.list is a list'],
    ['a label of 101 characters', '{ci.long}', 'label must have at most 100 characters'],
    ['a control character', '{ci.control}', 'label must not contain control characters'],
  ])('refuses %s', (_name, template, message) => {
    expect(reasonOf(() => of(template))).toBe('ENROLMENT_REFUSED')
    expect(() => of(template)).toThrow(message)
  })
})
