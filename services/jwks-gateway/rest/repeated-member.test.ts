import { describe, expect, it } from 'vitest'
import { hasRepeatedMember } from './repeated-member.ts'

const check = (text: string) => hasRepeatedMember(text, JSON.parse(text))

describe('hasRepeatedMember', () => {
  it.each([
    ['the same name twice', '{"a":1,"a":2}'],
    ['the same name and value twice', '{"a":1,"a":1}'],
    ['white space before the colon', '{"a" \t\r\n:1,"a" :2}'],
    ['an escape in one of the names', '{"a":1,"\\u0061":2}'],
    ['a name with a quotation mark twice', '{"\\"":1,"\\"":2}'],
    ['an empty name twice', '{"":1,"":2}'],
    ['a prototype twice', '{"__proto__":1,"__proto__":2}'],
    ['the same name in an inner object', '{"x":[{"y":{"a":1,"a":2}}]}'],
    ['the same name in an object that is dropped', '{"x":{"a":1,"b":2},"x":null}'],
    ['the same name below 10,000 arrays', `${'['.repeat(10_000)}{"a":1,"a":2}${']'.repeat(10_000)}`],
  ])('finds %s', (_name, text) => {
    expect(check(text)).toBe(true)
  })

  it.each([
    ['the same name in two objects', '[{"a":1},{"a":2}]'],
    ['the same name in an object and in the object around it', '{"a":{"a":1}}'],
    ['names that differ in case', '{"a":1,"A":2}'],
    ['a colon in a string', '{"a":":","b":"x:y"}'],
    ['text in a string that looks like a member', '{"a":"\\",\\"a\\":1"}'],
    ['strings in arrays before a colon in a string', '["a",":","b"]'],
    ['a backslash at the end of a string', '{"a":"\\\\","b":"\\\\"}'],
    ['numbers that are spelled in another way', '{"a":1.0,"b":1e999,"2":1,"1":2}'],
    ['a scalar', '"a"'],
    ['null', 'null'],
    ['an object without members', ' { } '],
  ])('accepts %s', (_name, text) => {
    expect(check(text)).toBe(false)
  })
})
