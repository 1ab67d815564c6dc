import { describe, expect, it } from 'vitest'
import { NOW, requirement, result, rule } from '../../../test/support/attestation-rules.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { chooseRule } from './choose-rule.ts'
import { compileCondition } from './condition.ts'
import { explainRule } from './explain-rule.ts'
import { judge } from './judge.ts'
import { WorkBudget } from './work-budget.ts'

const TEXT = 'ab'.repeat(512)
const LIST = Array.from({ length: 64 }, () => TEXT)
const TEXTS = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`c${number}`, TEXT]))
const BIG = { ...TEXTS, l: LIST, k: LIST }
const NAMES = Array.from({ length: 32 }, (_, number) => `a${number}`)
const RESULTS = NAMES.map((name) => result(name, { claims: BIG }))

function or(count: number, term: (number: number) => string): string {
  return Array.from({ length: count }, (_, number) => term(number)).join('||')
}

function commonCondition(number: number): string {
  const branch = 'claims.ci.ref.matches("^refs/heads/(main|release-[0-9]+)$")'
  return `claims.ci.repository == "acme/${number}" && ${branch} && "a" in claims.ci.groups`
}

describe('the conditions of one call', () => {
  it.each([
    ['patterns in a macro', `claims.exists(k, ${or(7, (n) => `claims[k].c${n}.matches("(a|b)*a(a|b){45}\\\\B$")`)})`],
    [
      'sizes of texts in a macro',
      `claims.exists(k, claims[k].l == claims[k].c0) || claims.a0.l.exists(x, ${or(50, () => 'size(x)==9')})`,
    ],
    ['sizes of texts', or(55, (n) => `size(claims["a0"].c${n}) == 9`)],
    ['errors', or(80, () => 'claims.missing.x == 1')],
    ['conversions', `claims.a0.l.exists(x, ${or(60, () => 'int(x)==1')})`],
    ['searches', `claims.a0.l.exists(x, ${or(60, () => 'x.contains(claims.a0.c0)')})`],
    ['equal lists in a macro', `claims.a0.l.exists(x, ${or(60, () => 'claims.a0.l!=claims.a0.k')})`],
    ['equal maps in a macro', `claims.exists(x, ${or(60, () => 'claims!=claims')})`],
    ['members of lists in a macro', `claims.a0.l.exists(x, ${or(60, () => '"x" in claims.a0.l')})`],
  ])('stop when they need too much work: %s', (_name, when) => {
    const budget = new WorkBudget()
    const terms = Array.from({ length: 32 }, () => requirement({ anyOf: NAMES, when }))
    for (const each of terms) expect(judge(each, RESULTS, NOW, budget).metUntil).toBe(0)
    expect(budget.spent).toBeGreaterThan(1_000_000)
    expect(judge(requirement({ anyOf: NAMES, when: 'true' }), RESULTS, NOW, budget).metUntil).toBe(0)
  })

  it('are enough for 64 rules and 32 requirements of a common form', () => {
    const claims = { repository: 'acme/deploy', ref: 'refs/heads/main', groups: ['a', 'b', 'c'] }
    const ci = result('ci', { claims })
    const budget = new WorkBudget()
    const rules = Array.from({ length: 64 }, (_, n) => rule({ name: `r${n}`, allOf: ['ci'], when: commonCondition(n) }))
    expect(reasonOf(() => chooseRule(rules, '', [ci], NOW, budget))).toBe('ENROLMENT_REFUSED')
    for (let n = 0; n < 31; n += 1) judge(requirement({ allOf: ['ci'], when: commonCondition(n) }), [ci], NOW, budget)
    const last = requirement({ allOf: ['ci'], when: 'claims.ci.ref == "refs/heads/main"' })
    expect(judge(last, [ci], NOW, budget).metUntil).toBe(ci.expiresAt)
  })

  it('count as false beyond the budget, and those without a condition are met', () => {
    const budget = new WorkBudget(0)
    expect(judge(rule({ allOf: ['a0'], when: 'true' }), RESULTS, NOW, budget).metUntil).toBe(0)
    expect(judge(rule({ allOf: ['a0'] }), RESULTS, NOW, budget).metUntil).toBeGreaterThan(0)
    const { met, conditions } = explainRule(rule({ allOf: ['a0'], when: 'true' }), RESULTS, NOW, budget)
    expect(met).toBe(false)
    expect(conditions.at(-1)).toMatchObject({ condition: 'true', outcome: 'error' })
  })

  it('pay for their compilation once', () => {
    const [first, second] = [new WorkBudget(), new WorkBudget()]
    const when = 'has(claims.a0.c0) && claims.a0.c0.matches("once")'
    for (const budget of [first, second]) compileCondition(when, budget)
    expect(first.spent).toBeGreaterThanOrEqual(2000 + 8 * when.length + 2 * 1000 + 2000)
    expect(second.spent).toBe(0)
    const work = () => compileCondition(`${when} && true`, new WorkBudget(100))
    expect(work).toThrow('The conditions of one call must not be so much work')
  })

  it('are tried with the four results of any_of that count longest', () => {
    const results = NAMES.map((name, number) => result(name, { expiresAt: NOW + 1000 + number }))
    const isMet = (name: string) => {
      const terms = rule({ anyOf: NAMES, when: `has(claims.${name})` })
      return judge(terms, results, NOW, new WorkBudget()).metUntil > NOW
    }
    expect(NAMES.filter(isMet)).toEqual(['a28', 'a29', 'a30', 'a31'])
  })
})

describe('an evaluation', () => {
  const small = { t: 'a', l: ['a'] }
  it.each<[string, string, object, number]>([
    ['each name, value and operator', '1 == 1 || 2 == 2 || 3 == 3', {}, 5 * 100],
    ['each entry of a macro over a list', 'claims.a.l.all(x, true)', { l: LIST }, 64 * 3 * 100],
    ['each claim of a macro over claims', 'claims.a.all(x, true)', TEXTS, 60 * 3 * 100],
    ['each result of a macro over the levels', 'levels.all(x, true)', {}, 2 * 3 * 100],
    ['each entry of a macro over a literal list', `[${LIST.map(() => 1).join(',')}].all(x, true)`, {}, 64 * 3 * 100],
    ['each character of size()', 'size(claims.a.t) > 0', { t: TEXT }, 1024],
    ['each character of the method size()', 'claims.a.t.size() > 0', { t: TEXT }, 1024],
    ['the places times the characters of contains()', 'claims.a.t.contains(claims.a.t)', { t: TEXT }, 32_768],
    ['instructions times characters of matches()', 'claims.a.t.matches("(ab){10}")', { t: TEXT }, 20 * 1024],
    ['each entry of equal lists', 'claims.a.l == claims.a.l', { l: LIST }, 4 * 64],
    ['each entry of lists that are not equal', '!(claims.a.l != claims.a.l)', { l: LIST }, 4 * 64],
    ['each claim of equal maps, and their lists', 'claims.a == claims.a', BIG, 8 * 62 + 2 * 4 * 64],
    ['each entry of a list that is searched', '!("x" in claims.a.l)', { l: LIST }, 4 * 64],
    ['each entry of lists that are added', 'size(claims.a.l + claims.a.l) > 1', { l: LIST }, 2 * 128],
    ['each claim that the library gets', 'true', BIG, 60 + 2 * 65],
  ])('pays for %s', (_name, text, claims, units) => {
    const condition = compileCondition(text)
    const budget = new WorkBudget()
    expect(condition.holds([result('a', { claims: { ...small, ...claims } }), result('b', {})], budget)).toBe(true)
    expect(budget.spent).toBeGreaterThanOrEqual(200 + units)
  })

  it('makes no text of more than 4,096 characters', () => {
    const condition = compileCondition('claims.a.t + claims.a.t + claims.a.t + claims.a.u != ""')
    const holds = (u: string) => condition.holds([result('a', { claims: { t: TEXT, u } })], new WorkBudget())
    expect(holds(TEXT)).toBe(true)
    expect(holds(`${TEXT}a`)).toBe(false)
  })

  it('leaves the length of stacks as it was', () => {
    const before = Error.stackTraceLimit
    compileCondition('claims.missing.x == 1').holds([], new WorkBudget())
    expect(before).toBeGreaterThan(0)
    expect(Error.stackTraceLimit).toBe(before)
  })
})
