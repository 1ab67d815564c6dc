import { expect, it } from 'vitest'
import { isPlainPath, isSafeText } from './path-text.ts'

it.each(['/', '/data', '/data/', 'a/b', '/.well-known/x', '/a..b/c', '/a b/c', '/\u00e9/\u{1f511}'])(
  'isPlainPath accepts %s',
  (text) => {
    expect(isPlainPath(text)).toBe(true)
  },
)

it.each([
  '/../x',
  '../x',
  '/x/..',
  '/./x',
  '/x/.',
  '//x',
  '/x//',
  '/x//y',
  '/.../x',
  '/.. /x',
  '/ /x',
  '/x/. ',
  '/%2e/x',
  '/x\\y',
  '/..;/x',
  '/..?x',
  '/..#x',
  '/.\t./x',
  '/x\u0000',
  '/x\u007f',
  '/x\u0085',
  '/.\u200b./x',
  '/x\u202e',
  '/x\ue000',
])('isPlainPath refuses %j', (text) => {
  expect(isPlainPath(text)).toBe(false)
})

it.each(['a', 'INV-50%', 'a..', '. a', '\u00e9', '/data/x', 'a\u200bb'])('isSafeText accepts %j', (text) => {
  expect(isSafeText(text)).toBe(true)
})

it.each(['.', '..', '...', ' ', '. .', 'a\\b', 'C:\\data', '..\\x', '/data/../x', 'a/\u200b'])(
  'isSafeText refuses %j',
  (text) => {
    expect(isSafeText(text)).toBe(false)
  },
)
