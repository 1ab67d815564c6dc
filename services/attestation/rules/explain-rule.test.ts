import { describe, expect, it } from 'vitest'
import { NOW, result, rule } from '../../../test/support/attestation-rules.ts'
import { type ExplainedCondition, explainRule } from './explain-rule.ts'
import type { CurrentResult } from './results.ts'
import { WorkBudget } from './work-budget.ts'

const ci = result('ci', { claims: { repository: 'acme/deploy', ref: 'main' }, expiresAt: NOW + 5000 })

const CUT = `${'é'.repeat(100)}…`

describe('explainRule', () => {
  it('tells what an agent would get', () => {
    const terms = rule({ allOf: ['ci'], label: 'ci {ci.ref}', scopes: ['a'] })
    expect(explainRule(terms, [ci], NOW, new WorkBudget())).toEqual({
      rule: 'deploy',
      met: true,
      conditions: [{ condition: 'a result of ci', outcome: 'true', seen: ['levels.ci = "bound"'] }],
      label: 'ci main',
      scopes: ['a'],
    })
  })

  it('tells which parts of the condition hold, with the values that each has seen', () => {
    const when =
      'claims.ci.repository == "acme/deploy" && (claims.ci.ref == "next" || levels.ci == "hardware") && claims.tpm.x'
    expect(
      explainRule(rule({ allOf: ['ci', 'tpm'], when, label: 'x', scopes: ['a'] }), [ci], NOW, new WorkBudget()),
    ).toEqual({
      rule: 'deploy',
      met: false,
      conditions: [
        { condition: 'a result of ci', outcome: 'true', seen: ['levels.ci = "bound"'] },
        { condition: 'a result of tpm', outcome: 'false', seen: [] },
        {
          condition: 'claims.ci.repository == "acme/deploy"',
          outcome: 'true',
          seen: ['claims.ci.repository = "acme/deploy"'],
        },
        {
          condition: 'claims.ci.ref == "next" || levels.ci == "hardware"',
          outcome: 'false',
          seen: ['claims.ci.ref = "main"', 'levels.ci = "bound"'],
        },
        { condition: 'claims.tpm.x', outcome: 'error', seen: ['claims.tpm is missing'] },
      ],
      label: '',
      scopes: [],
    })
  })

  it.each<[string, string, CurrentResult['claims'], string, readonly string[]]>([
    ['a missing claim', 'claims.ci.ref == "x"', {}, 'error', ['claims.ci.ref is missing']],
    ['a path only once', 'claims.ci.a == 1 || claims["ci"]["a"] == 2', { a: 2 }, 'true', ['claims.ci.a = 2']],
    ['a list', '"b" in claims.ci.l', { l: ['a', 'b'] }, 'true', ['claims.ci.l = ["a", "b"]']],
    ['a macro as it was written', 'claims.ci.l.exists(x, x == "c")', { l: [] }, 'false', ['claims.ci.l = []']],
    ['the names of claims', 'size(claims.ci) == 2', { a: 1, b: 2 }, 'true', ['claims.ci has a, b']],
    ['the names of attestors', '"tpm" in claims', {}, 'false', ['claims has ci']],
    [
      'no secret',
      'claims.ci.refresh_token == "x"',
      { refresh_token: 'hush' },
      'false',
      ['claims.ci.refresh_token = …'],
    ],
    ['no password', 'claims.ci.aPassword == "x"', { aPassword: 'hush' }, 'false', ['claims.ci.aPassword = …']],
    ['no value of an error', 'int(claims.ci.secret) == 1', { secret: 'hush' }, 'error', ['claims.ci.secret = …']],
    ['a boolean', 'claims.ci.protected', { protected: false }, 'false', ['claims.ci.protected = false']],
    ['no long text', 'claims.ci.a == ""', { a: 'é'.repeat(101) }, 'false', [`claims.ci.a = "${CUT}"`]],
    [
      'no long list',
      'size(claims.ci.l) == 9',
      { l: 'a b c d e f g h i'.split(' ') },
      'true',
      ['claims.ci.l = ["a", "b", "c", "d", "e", "f", "g", "h", …]'],
    ],
  ])('shows %s', (_name, when, claims, outcome, values) => {
    expect(seen(when, claims)).toMatchObject([{ outcome, seen: values }])
  })

  it('writes the parts of a condition as they were written', () => {
    const when = 'claims.ci.l.exists(x, x == "a" && has(claims.ci.l)) && !(1 == 2) && (true ? false : true)'
    const texts = seen(when, { l: [] }).map(({ condition }) => condition)
    expect(texts).toEqual(['claims.ci.l.exists(x, x == "a" && has(claims.ci.l))', '!(1 == 2)', 'true ? false : true'])
  })

  it('ignores results that have expired', () => {
    const [condition] = explainRule(
      rule({ anyOf: ['ci', 'tpm'] }),
      [{ ...ci, expiresAt: NOW }],
      NOW,
      new WorkBudget(),
    ).conditions
    expect(condition).toEqual({ condition: 'a result of one of ci, tpm', outcome: 'false', seen: [] })
  })

  it('tells of a stored condition that is not accepted any more', () => {
    const [, condition] = explainRule(
      rule({ allOf: ['ci'], when: 'futureFunction()' }),
      [ci],
      NOW,
      new WorkBudget(),
    ).conditions
    expect(condition).toMatchObject({ outcome: 'error', seen: [expect.stringContaining('must not call')] })
  })
})

function seen(when: string, claims: CurrentResult['claims']): readonly ExplainedCondition[] {
  return explainRule(rule({ allOf: ['ci'], when }), [result('ci', { claims })], NOW, new WorkBudget()).conditions.slice(
    1,
  )
}
