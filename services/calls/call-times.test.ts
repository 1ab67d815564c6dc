import { expect, it } from 'vitest'
import { readCallTimes } from './call-times.ts'

const NOW = 1_800_000_000
const RULES = { nowS: NOW, skewS: 10, maxLifetimeS: 300 }

it.each<[string, Parameters<typeof readCallTimes>[0], ReturnType<typeof readCallTimes>]>([
  ['the longest lifetime', { iat: NOW, exp: NOW + 300 }, NOW + 300],
  ['a lifetime of a second', { iat: NOW, exp: NOW + 1 }, NOW + 1],
  ['the end of the skew after exp', { iat: NOW - 100, exp: NOW - 9 }, NOW - 9],
  ['the end of the skew before iat', { iat: NOW + 10, exp: NOW + 20 }, NOW + 20],
  ['nbf at the end of the skew', { iat: NOW, exp: NOW + 20, nbf: NOW + 10 }, NOW + 20],
  ['no iat', { exp: NOW + 20 }, 'form'],
  ['no exp', { iat: NOW }, 'form'],
  ['a text', { iat: NOW, exp: `${NOW + 20}` }, 'form'],
  ['a fraction', { iat: NOW, exp: NOW + 20, nbf: 0.5 }, 'form'],
  ['exp at iat', { iat: NOW, exp: NOW }, 'lifetime'],
  ['one second too many', { iat: NOW, exp: NOW + 301 }, 'lifetime'],
  ['iat beyond the skew', { iat: NOW + 11, exp: NOW + 20 }, 'early'],
  ['nbf beyond the skew', { iat: NOW, exp: NOW + 20, nbf: NOW + 11 }, 'early'],
  ['exp beyond the skew', { iat: NOW - 100, exp: NOW - 10 }, 'expired'],
])('readCallTimes answers about %s', (_case, times, answer) => {
  expect(readCallTimes(times, RULES)).toBe(answer)
})
