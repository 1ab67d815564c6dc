import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import type { VerifiedClaims } from '../types/attestor-type.ts'
import { compileCondition } from './condition.ts'
import type { CurrentResult } from './results.ts'
import { WorkBudget } from './work-budget.ts'

const CLAIMS: VerifiedClaims = {
  repository: 'acme/deploy',
  ref: 'refs/heads/main',
  attempt: 5,
  big: 2 ** 53,
  share: 1.5,
  protected: true,
  empty: '',
  groups: ['deployers', 'readers'],
  issued: '2026-11-27T10:00:00Z',
  issued_s: 1_795_773_600,
  number: '7',
}
const ci = resultOf('ci', CLAIMS)

describe('compileCondition().holds', () => {
  it.each([
    ['equal texts', 'claims.ci.repository == "acme/deploy"'],
    ['an index instead of a selector', 'claims["ci"]["repository"] == "acme/deploy"'],
    ['a level', 'levels.ci == "bound"'],
    ['an integer and a double that are equal', 'claims.ci.attempt == 5.0 && claims.ci.attempt == 5'],
    ['an integer that is less than a double', 'claims.ci.attempt < 5.5'],
    ['a double that is more than an integer', 'claims.ci.share > 1'],
    ['the sum of a claim and an integer', 'claims.ci.attempt + 1 == 6'],
    ['a claim beyond safe integers, which is a double', 'claims.ci.big + 1.0 > 9007199254740991.0'],
    ['a boolean', 'claims.ci.protected'],
    ['a negated boolean', '!(claims.ci.ref == "x")'],
    ['an entry of a list', '"readers" in claims.ci.groups'],
    ['a claim in a literal list', 'claims.ci.ref in ["refs/heads/main", "refs/heads/next"]'],
    ['the size of a list', 'size(claims.ci.groups) == 2 && claims.ci.groups.size() == 2'],
    ['an index of a list', 'claims.ci.groups[0] == "deployers"'],
    ['exists over a list', 'claims.ci.groups.exists(g, g.startsWith("deploy"))'],
    ['all over a list', 'claims.ci.groups.all(g, g.endsWith("ers"))'],
    ['exists_one over a literal list', '["a", "b"].exists_one(x, x == "a")'],
    ['filter and map over lists', 'size(claims.ci.groups.filter(g, g == "readers")) == 1 && "x" in [1].map(i, "x")'],
    ['exists over the names of the claims', 'claims.ci.exists(name, name == "ref")'],
    ['has() for claims that are empty, false or 0', 'has(claims.ci.empty) && has(claims.ci.attempt)'],
    ['has() for a missing claim', '!has(claims.ci.environment)'],
    ['has() for a missing attestor', '!has(claims.other)'],
    ['in for names of claims', '"ref" in claims.ci && !("toString" in claims.ci)'],
    ['a regular expression', 'claims.ci.ref.matches("^refs/heads/(main|next)$")'],
    ['a regular expression in a macro', 'claims.ci.groups.exists(g, g.matches("^read"))'],
    ['contains', 'claims.ci.ref.contains("heads")'],
    ['times as texts', 'timestamp(claims.ci.issued) > timestamp("2026-11-27T09:59:59Z")'],
    ['times in seconds', 'timestamp(claims.ci.issued_s) == timestamp("2026-11-27T10:00:00Z")'],
    ['a duration', 'timestamp(claims.ci.issued) - timestamp("2026-11-27T09:00:00Z") == duration("1h")'],
    ['a text as an integer', 'int(claims.ci.number) == 7'],
    ['a choice', 'claims.ci.protected ? claims.ci.attempt > 1 : false'],
    ['a true alternative beside an error', 'claims.other.ref == "x" || claims.ci.protected'],
    ['32 nested brackets', `${'('.repeat(32)}true${')'.repeat(32)}`],
    ['brackets within texts', `"${'('.repeat(100)}" != 'x' && r"\\(((" != """((("("""`],
  ])('is true for %s', (_name, text) => {
    expect(compileCondition(text).holds([ci], new WorkBudget())).toBe(true)
  })

  it.each([
    ['another text', 'claims.ci.repository == "acme/other"'],
    ['a text that differs in case', 'claims.ci.repository == "ACME/deploy"'],
    ['a missing claim', 'claims.ci.environment == "production"'],
    ['a missing claim that must not be something', 'claims.ci.environment != "production"'],
    ['a missing claim in a negation', '!(claims.ci.environment == "production")'],
    ['a missing attestor', 'claims.other.ref == "x"'],
    ['a claim of a missing attestor in has()', 'has(claims.other.ref)'],
    ['a missing claim in a negated has() of a missing attestor', '!has(claims.other.ref)'],
    ['a member of the prototype of objects', 'claims.ci.constructor != "x"'],
    ['__proto__', 'claims.ci.__proto__ != "x"'],
    ['an order of a text and a number', 'claims.ci.number > 6'],
    ['an equality of a text and a number', 'claims.ci.number == 7'],
    ['a negated text', '!claims.ci.ref'],
    ['a text as the result', 'claims.ci.ref'],
    ['a list as the result', 'claims.ci.groups'],
    ['a text in a conjunction', 'claims.ci.ref && claims.ci.protected'],
    ['an index beyond a list', 'claims.ci.groups[2] != "x"'],
    ['a macro over a text', 'claims.ci.ref.exists(x, true)'],
    ['an error in one entry of all', 'claims.ci.groups.all(g, claims.ci[g] == "x")'],
    ['a division by zero', 'claims.ci.attempt / 0 == 1'],
    ['an overflow', 'claims.ci.attempt + 9223372036854775807 > 0'],
    ['a text that is no time', 'timestamp(claims.ci.ref) > timestamp(0)'],
    ['a text that is no integer', 'int(claims.ci.ref) != 1'],
    ['a pattern on a number', 'claims.ci.attempt.matches("5")'],
  ])('is false for %s', (_name, text) => {
    expect(compileCondition(text).holds([ci], new WorkBudget())).toBe(false)
  })

  it('sees only the results that it is given', () => {
    const condition = compileCondition('has(claims.ci) && !has(claims.tpm)')
    expect(condition.holds([ci], new WorkBudget())).toBe(true)
    expect(condition.holds([ci, resultOf('tpm', {})], new WorkBudget())).toBe(false)
    expect(condition.holds([], new WorkBudget())).toBe(false)
  })

  it.each([
    ['a nested star', '^(a*)*$'],
    ['a nested plus', '^(a+)+$'],
    ['overlapping alternatives', '^(a|aa|a?)+$'],
    ['many stars', '.*a.*a.*a.*a.*a.*a.*a.*a.*a.*a$'],
    ['a back-tracking trap', '(x+x+)+y'],
  ])('answers at once for a pattern with %s', (_name, pattern) => {
    const list = resultOf('ci', { long: `${'a'.repeat(1023)}!` })
    expect(compileCondition(`claims.ci.long.matches("${pattern}")`).holds([list], new WorkBudget())).toBe(false)
  })

  it('is false for a pattern on a text that is longer than a claim can be', () => {
    const condition = compileCondition('(claims.ci.a + claims.ci.a).matches("a")')
    expect(condition.holds([resultOf('ci', { a: 'a'.repeat(512) })], new WorkBudget())).toBe(true)
    expect(condition.holds([resultOf('ci', { a: 'a'.repeat(513) })], new WorkBudget())).toBe(false)
  })
})

/** Seven patterns of 150 instructions. */
const MANY_PATTERNS = Array.from({ length: 7 }, (_, number) => `claims.ci.ref.matches("${number}(a?){73}")`).join('||')

describe('compileCondition', () => {
  const CEL = 'The condition must be CEL'
  it.each([
    ['nothing', '', CEL],
    ['a syntax error', 'claims.ci.ref ==', `${CEL}: there is an error at line 1, column 15`],
    ['two conditions', 'true true', CEL],
    ['a text that does not end', 'claims.ci.ref == "x', CEL],
    ['a lone surrogate', 'claims.ci.ref == "\ud800"', 'must be well-formed'],
    ['a rule of 10,000 nodes', Array.from({ length: 5000 }, () => '1').join('+'), 'at most 4096 characters'],
    ['513 nodes', Array.from({ length: 257 }, () => '1').join('-'), 'at most 512 names'],
    ['17 additions', Array.from({ length: 18 }, () => '1').join('+'), 'at most 16 of +'],
    ['33 nested brackets', `${'('.repeat(33)}true${')'.repeat(33)}`, 'deeper than 32'],
    ['4,000 open brackets', '['.repeat(4000), 'deeper than 32'],
    ['open brackets behind closed brackets', `${')'.repeat(2000)}${'('.repeat(2000)}`, 'deeper than 32'],
    ['open brackets behind a comment', `//)))\n${'('.repeat(33)}`, 'deeper than 32'],
    ['an unknown name', 'claim.ci.ref == "x"', 'must not use the name "claim"'],
    ['an unknown name behind a dot', '.agent == "x"', 'must not use the name "agent"'],
    ['a name of a type', 'string == string', 'must not use the name "string"'],
    ['a name outside its macro', 'claims.ci.l.all(x, true) && x', 'must not use the name "x"'],
    ['an unknown function', 'now() > timestamp(0)', 'must not call "now"'],
    ['an unknown method', 'claims.ci.ref.lowerAscii() == "x"', 'must not call "lowerAscii"'],
    ['a function of the prototype of objects', 'toString(1)', 'must not call "toString"'],
    ['a method as a function', 'contains(claims.ci.ref, "x")', 'must not call "contains"'],
    ['a function as a method', 'claims.ci.n.int() == 1', 'must not call "int"'],
    ['a function with a wrong number of arguments', 'size() == 1', 'wrong number of arguments'],
    ['a local time, which depends on the machine', 'timestamp(0).getHours() == 1', 'must not call "getHours"'],
    ['has() of no selector', 'has(claims)', 'must not call "has" in this form'],
    ['a macro with a wrong form', 'claims.ci.l.exists("x", true)', 'must not call "exists" in this form'],
    ['a macro within a macro', 'claims.ci.l.all(x, claims.ci.l.all(y, x == y))', 'a macro within a macro'],
    ['a macro over a macro', 'claims.ci.l.map(x, x).all(y, true)', 'only on claims and on literal lists'],
    ['a macro over a macro in a list', '[claims.ci.l.map(x, x)].all(y, true)', 'a macro within a macro'],
    ['a macro over a sum of lists', '(claims.ci.l + claims.ci.l).all(y, true)', 'only on claims'],
    ['a macro over a choice', '(true ? claims.ci.l : [1]).all(y, true)', 'only on claims'],
    ['an entry that hides the claims', '[1].all(claims, true)', 'must not use claims as the name of an entry'],
    ['a map', '{"a": 1}.a == 1', 'must not build maps'],
    ['a message', 'google.protobuf.Duration{} == duration("0s")', 'must not build maps or messages'],
    ['an integer of more than 64 bits', 'claims.ci.n < 9223372036854775808', 'more than 64 bits'],
    ['a pattern that is no regular expression', 'claims.ci.ref.matches("(")', 'a regular expression of RE2'],
    ['a pattern with a back reference', String.raw`claims.ci.ref.matches("(a)\\1")`, 'a regular expression of RE2'],
    ['a pattern from a claim', 'claims.ci.ref.matches(claims.ci.pattern)', 'a literal pattern'],
    ['a pattern that is put together', 'claims.ci.ref.matches("a" + "b")', 'a literal pattern'],
    ['a pattern of 257 characters', `claims.ci.ref.matches("${'a'.repeat(257)}")`, 'at most 256 characters'],
    ['patterns that are small enough alone', MANY_PATTERNS, 'must be smaller together'],
    ['a class of Unicode in a pattern', String.raw`claims.ci.ref.matches("[^\\pL]")`, 'must be ASCII'],
    ['a negated class of Unicode behind a backslash', String.raw`claims.ci.ref.matches("\\\\\\PL")`, 'must be ASCII'],
    ['a range of codes', String.raw`claims.ci.ref.matches("(?i)[\\x{100}-\\x{ffff}]")`, 'must be ASCII'],
    ['a range of letters beyond ASCII', 'claims.ci.ref.matches("(?i)[Ā-\uffee]")', 'must be ASCII'],
    ['a path of 9 members', `claims${'.a'.repeat(9)}`, 'deeper than 8'],
    ['a path of 9 indexes', `claims${'["a"]'.repeat(9)} == 1`, 'deeper than 8'],
    ['a pattern that repeats a lot', 'claims.ci.ref.matches("(a?){900}")', 'must be smaller'],
    ['a pattern with nested repetition', 'claims.ci.ref.matches("((a{0,10}){0,10}){0,10}")', 'must be smaller'],
  ])('refuses %s', (_name, text, message) => {
    const work = () => compileCondition(text)
    expect(reasonOf(work)).toBe('INVALID_RULE')
    expect(work).toThrow(message)
  })

  it('names the attestors of paths', () => {
    const { attestors } = compileCondition('claims.ci.ref == "x" && has(claims.tpm.a) && levels["k8s"] == "bound"')
    expect(attestors).toEqual(['ci', 'tpm', 'k8s'])
  })

  it('compiles a text once', () => {
    expect(compileCondition('claims.ci.ref == "once"')).toBe(compileCondition('claims.ci.ref == "once"'))
  })

  it('forgets the condition that was used least recently', () => {
    const first = compileCondition('0 == 1')
    const kept = compileCondition('1 == 1')
    for (let number = 2; number < 1001; number++) {
      compileCondition('1 == 1')
      compileCondition(`${number} == 1`)
    }
    expect(compileCondition('1 == 1')).toBe(kept)
    expect(compileCondition('0 == 1')).not.toBe(first)
  })
})

function resultOf(attestor: string, claims: VerifiedClaims): CurrentResult {
  const times = { verifiedAt: 0, expiresAt: 1 }
  return { attestor, attestorId: `id of ${attestor}`, type: 'oidc', level: 'bound', claims, ...times }
}
