import { expect, it } from 'vitest'
import { shownName } from './shown-name.ts'

it.each([
  ['quotes a name', 'depth', '"depth"'],
  ['escapes a quote', 'a"b', '"a\\"b"'],
  ['replaces a character that is not printable ASCII', 'a\u202e\nb', '"a??b"'],
  ['shows 40 characters of a long name', 'x'.repeat(1_000), `"${'x'.repeat(40)}"`],
])('shownName %s', (_, name, shown) => {
  expect(shownName(name)).toBe(shown)
})
