import { describe, expect, it } from 'vitest'
import { NOW, requirement, result, rule } from '../../../test/support/attestation-rules.ts'
import type { EnrolmentTerms } from './enrolment-terms.ts'
import { judge } from './judge.ts'
import type { RequirementTerms } from './requirement-terms.ts'
import type { CurrentResult } from './results.ts'
import { WorkBudget } from './work-budget.ts'

const ci = result('ci', { claims: { repository: 'acme/deploy', ref: 'main' }, expiresAt: NOW + 5000 })
const tpm = result('tpm', { level: 'hardware', claims: { firmware: 7 }, expiresAt: NOW + 3000 })

describe('judge', () => {
  it('is met until the first result of all_of expires', () => {
    const judgement = judge(rule({ allOf: ['ci', 'tpm'] }), [tpm, ci], NOW, new WorkBudget())
    expect(judgement).toEqual({ metUntil: NOW + 3000, attestorIds: ['id of ci', 'id of tpm'], lack: '' })
  })

  it('rests on the result of any_of that counts longest', () => {
    const judgement = judge(rule({ anyOf: ['tpm', 'ci'] }), [tpm, ci], NOW, new WorkBudget())
    expect(judgement).toEqual({ metUntil: NOW + 5000, attestorIds: ['id of ci'], lack: '' })
  })

  it('rests on the result of any_of for which the condition holds, even if another one counts longer', () => {
    const judgement = judge(
      rule({ anyOf: ['tpm', 'ci'], when: 'claims.tpm.firmware >= 7' }),
      [tpm, ci],
      NOW,
      new WorkBudget(),
    )
    expect(judgement).toEqual({ metUntil: NOW + 3000, attestorIds: ['id of tpm'], lack: '' })
  })

  it('shows the condition of any_of one result at a time', () => {
    const terms = rule({ anyOf: ['tpm', 'ci'], when: 'has(claims.tpm) && has(claims.ci)' })
    expect(judge(terms, [tpm, ci], NOW, new WorkBudget())).toMatchObject({ metUntil: 0, attestorIds: [] })
  })

  it('shows the condition of all_of no result of another attestor', () => {
    const terms = rule({ allOf: ['ci'], when: 'size(claims) == 1' })
    expect(judge(terms, [tpm, ci], NOW, new WorkBudget()).metUntil).toBe(NOW + 5000)
  })

  it.each<[string, EnrolmentTerms | RequirementTerms, readonly CurrentResult[], string]>([
    ['without results', rule({ allOf: ['ci'] }), [], 'A result of the attestor ci is needed'],
    ['without one of all_of', rule({ allOf: ['ci', 'tpm'] }), [ci], 'A result of the attestor tpm is needed'],
    [
      'with results of other attestors',
      rule({ anyOf: ['k8s', 'gcp'] }),
      [ci],
      'A result of the attestor k8s is needed; A result of the attestor gcp is needed',
    ],
    [
      'with a result that expires now',
      rule({ allOf: ['ci'] }),
      [{ ...ci, expiresAt: NOW }],
      'The result of the attestor ci has expired',
    ],
    [
      'with a result of any_of that has expired',
      rule({ anyOf: ['ci'] }),
      [{ ...ci, expiresAt: NOW - 1 }],
      'The result of the attestor ci has expired',
    ],
    [
      'with a weaker level',
      requirement({ allOf: ['ci'], level: 'hardware' }),
      [ci],
      'The result of the attestor ci has the level bound, and hardware is needed',
    ],
    [
      'with a result that is too old',
      requirement({ allOf: ['ci'], maxAge: 60 }),
      [{ ...ci, verifiedAt: NOW - 60_000 }],
      'The result of the attestor ci is older than 60 seconds',
    ],
    [
      'when the condition is false',
      rule({ allOf: ['ci'], when: 'claims.ci.ref == "next"' }),
      [ci],
      'The condition does not hold for the verified claims',
    ],
    [
      'when the condition is an error',
      rule({ allOf: ['ci'], when: 'claims.ci.missing != "x"' }),
      [ci],
      'The condition does not hold for the verified claims',
    ],
    [
      'when the stored condition is not accepted any more',
      rule({ allOf: ['ci'], when: 'futureFunction()' }),
      [ci],
      'The condition does not hold for the verified claims',
    ],
    ['without demands, which no rule can have', rule({}), [ci], 'No attestor is named'],
  ])('is not met %s', (_name, terms, results, lack) => {
    expect(judge(terms, results, NOW, new WorkBudget())).toEqual({ metUntil: 0, attestorIds: [], lack })
  })

  it('is met with the level that is needed, and until the age that is allowed', () => {
    const terms = requirement({ allOf: ['tpm'], level: 'bound', maxAge: 2 })
    expect(judge(terms, [{ ...tpm, verifiedAt: NOW - 500 }], NOW, new WorkBudget()).metUntil).toBe(NOW + 1500)
  })
})
