import { expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

it.each<[string, string, string]>([
  [
    'the example of RFC 8785 section 3.2.2',
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
  [
    'the names of RFC 8785 section 3.2.3',
    '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  ],
  ['names that look like numbers', '{"10":1,"9":2,"a":3}', '{"10":1,"9":2,"a":3}'],
  ['the member __proto__', '{"b":1,"__proto__":{"a":1}}', '{"__proto__":{"a":1},"b":1}'],
  ['negative zero', '[-0]', '[0]'],
  ['nothing', '{}', '{}'],
])('canonicalJson writes %s', (_name, text, canonical) => {
  expect(canonicalJson(JSON.parse(text))).toBe(canonical)
})
