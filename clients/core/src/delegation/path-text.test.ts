import { expect, it } from 'vitest'
import { isPlainPath, isSafeText } from './path-text.ts'

it.each([
  '/',
  '/data',
  '/data/',
  'a/b',
  '/.well-known/x',
  '/a..b/c',
  '/a b/c',
  '/\u00e9/\u{1f511}',
  'a:b/c',
  '/12:30/x',
  '/caf\u00e9\u2026.txt',
  '/\uff21/1\u20442',
])('isPlainPath accepts %s', (text) => {
  expect(isPlainPath(text)).toBe(true)
})

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
  '/..:x',
  '/. :x/y',
  '/\uff0e\uff0e/x',
  '/x/\u2025',
  '/\u2026/x',
  '/x/..\uff0fy',
  '/.\u2024/x',
  '/\ufe52\ufe52/x',
  '/\u00a0/x',
  '/x\uff3cy',
  '/x\ufe68y',
  '/\uff05\uff12e/x',
  '/..\uff1bx',
  '/..\uff1fx',
  '/..\uff03x',
  '/..\uff1ax',
])('isPlainPath refuses %j', (text) => {
  expect(isPlainPath(text)).toBe(false)
})

it.each(['a', 'INV-50%', 'a..', '. a', '\u00e9', '/data/x', 'a\u200bb', 'a:b', 'INV-50\uff05', '12\u2026'])(
  'isSafeText accepts %j',
  (text) => {
    expect(isSafeText(text)).toBe(true)
  },
)

it.each([
  '.',
  '..',
  '...',
  ' ',
  '. .',
  'a\\b',
  'C:\\data',
  '..\\x',
  '/data/../x',
  'a/\u200b',
  '..:x',
  '\uff0e\uff0e',
  '\u2025',
  '..\uff0fx',
  'a\uff3cb',
])('isSafeText refuses %j', (text) => {
  expect(isSafeText(text)).toBe(false)
})
