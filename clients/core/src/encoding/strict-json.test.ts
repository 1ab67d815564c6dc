import { describe, expect, it } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

const parse = (text: string) => parseStrictJson(Buffer.from(text))
const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

describe('parseStrictJson', () => {
  it.each([
    ['an empty object', '{}'],
    ['whitespace', ' { "a" : [ 1 , 2 ] }\r\n\t'],
    ['the same name in different objects', '{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":2}]}'],
    ['the name of its parent', '{"a":{"a":{"a":1}}}'],
    ['names that differ in case', '{"a":1,"A":2}'],
    ['a value equal to a name', '{"a":"b","b":"a"}'],
    ['equal strings in an array', '{"a":["x","x",{"x":"x"},"x"]}'],
    ['structure inside strings', '{"a":"{\\"b\\":1,\\"b\\":2}","b":"\\\\","c":"[,]"}'],
    ['a surrogate pair by escapes', '{"a":"\\ud83d\\ude00"}'],
    ['characters beyond the BMP', '{"a":"😀"}'],
    ['__proto__ as a value', '{"a":"__proto__"}'],
    ['numbers of every form', '{"a":[0,-0,-1.5e-7,1E+3,123456789012345678901234567890,1e308]}'],
    ['true, false and null', '{"a":[true,false,null]}'],
    ['16 levels', nested(16)],
  ])('accepts %s', (_name, text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) })
  })

  it.each([
    ['nothing', '', 'syntax'],
    ['a byte order mark', '\ufeff{}', 'syntax'],
    ['a trailing comma', '{"a":1,}', 'syntax'],
    ['a comment', '{"a":1/**/}', 'syntax'],
    ['single quotes', "{'a':1}", 'syntax'],
    ['two values', '{}{}', 'syntax'],
    ['a NUL after the object', '{}\0', 'syntax'],
    ['a control character in a string', '{"a":"\u0001"}', 'syntax'],
    ['NaN', '{"a":NaN}', 'syntax'],
    ['an array', '[]', 'not-an-object'],
    ['null', 'null', 'not-an-object'],
    ['a string', '"a"', 'not-an-object'],
    ['a number', '1', 'not-an-object'],
    ['a duplicate', '{"a":1,"a":1}', 'duplicate-member'],
    ['a duplicate with others between', '{"a":1,"b":{"c":[1]},"a":2}', 'duplicate-member'],
    ['a duplicate one level down', '{"a":{"b":1,"b":2}}', 'duplicate-member'],
    ['a duplicate within an array', '{"a":[0,{"b":1,"b":2}]}', 'duplicate-member'],
    ['a duplicate after an array', '{"a":[1,2],"a":2}', 'duplicate-member'],
    ['a duplicate spelled with an escape', '{"sub":1,"s\\u0075b":2}', 'duplicate-member'],
    ['a duplicate of an escaped quote', '{"\\"":1,"\\u0022":2}', 'duplicate-member'],
    ['a duplicate empty name', '{"":1,"":2}', 'duplicate-member'],
    ['a duplicate with space before the colon', '{"a" :1,\n"a"\t:2}', 'duplicate-member'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden-member'],
    ['__proto__ spelled with an escape', '{"\\u005f_proto__":1}', 'forbidden-member'],
    ['__proto__ further down', '{"a":[{"__proto__":null}]}', 'forbidden-member'],
    ['a lone high surrogate', '{"a":"\\ud83d"}', 'lone-surrogate'],
    ['a lone low surrogate', '{"a":"\\ude00"}', 'lone-surrogate'],
    ['surrogates in the wrong order', '{"a":"\\ude00\\ud83d"}', 'lone-surrogate'],
    ['a lone surrogate in a name', '{"\\ud83d":1}', 'lone-surrogate'],
    ['a number beyond a double', '{"exp":1e999}', 'number-range'],
    ['a negative number beyond a double', '{"a":[-1e999]}', 'number-range'],
    ['17 levels', nested(17), 'depth'],
    ['100 000 levels', nested(100_000), 'depth'],
  ])('refuses %s', (_name, text, why) => {
    expect(parse(text)).toEqual({ ok: false, why })
  })

  it.each([
    ['a stray continuation byte', '7b2261223a2280227d'],
    ['a cut sequence', '7b2261223a22c3227d'],
    ['an overlong quote', '7b2261223a22c0a2227d'],
    ['a surrogate in UTF-8', '7b2261223a22eda080227d'],
    ['UTF-16', '7b0022006100'.concat('ff')],
  ])('refuses bytes that are not UTF-8: %s', (_name, bytes) => {
    expect(parseStrictJson(Buffer.from(bytes, 'hex'))).toEqual({ ok: false, why: 'utf8' })
  })
})
