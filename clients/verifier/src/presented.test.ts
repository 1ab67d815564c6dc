import { expect, it } from 'vitest'
import { credentialsOf, pathOf } from './presented.ts'

it.each<[string, string | undefined]>([
  ['/', '/'],
  ['/orders', '/orders'],
  ['/orders?page=2', '/orders'],
  ['/orders?to=https://b.example/x', '/orders'],
  ['//b.example/orders', '//b.example/orders'],
  ['/a/../orders', '/a/../orders'],
  ['https://b.example/orders?page=2#top', '/orders'],
  ['HTTP://b.example:8080/orders', '/orders'],
  ['http://[::1]:8080/orders', '/orders'],
  ['http://user@b.example/orders', undefined],
  ['http://b.example:80a/orders', undefined],
  ['https://b.example', '/'],
  ['https://b.example?page=2', '/'],
  ['https://b.example#/orders', '/'],
  ['*', undefined],
  ['', undefined],
  ['?page=2', undefined],
  ['b.example:443', undefined],
  ['orders', undefined],
  ['\\orders', undefined],
  ['javascript:/orders', undefined],
])('pathOf of %j is %j', (target, path) => {
  expect(pathOf(target)).toBe(path)
})

it.each<[string, Parameters<typeof credentialsOf>[0], object]>([
  ['none', { headers: {}, rawHeaders: [] }, { authorization: [], dpop: [] }],
  [
    'one of each',
    { headers: { authorization: 'a', dpop: 'b' }, rawHeaders: ['Authorization', 'a', 'DPoP', 'b'] },
    { authorization: ['a'], dpop: ['b'] },
  ],
  [
    'several of each, of which Node keeps the first, or joins them',
    {
      headers: { authorization: 'a', dpop: 'b, c' },
      rawHeaders: ['AUTHORIZATION', 'a', 'dpop', 'b', 'X', 'authorization', 'authorization', '', 'DPOP', 'c'],
    },
    { authorization: ['a', ''], dpop: ['b', 'c'] },
  ],
  [
    'lists without raw headers, as injected requests have',
    { headers: { authorization: ['a', 'b'], dpop: ['c', 'd'] }, rawHeaders: [] },
    { authorization: ['a', 'b'], dpop: ['c', 'd'] },
  ],
])('credentialsOf returns all Authorization and DPoP headers: %s', (_name, request, credentials) => {
  expect(credentialsOf(request)).toEqual(credentials)
})
