import { expect, it } from 'vitest'
import { createCookies } from './cookies.ts'

it.each([
  ['https://auth.example', '__Host-a=b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure'],
  ['https://auth.example/team', '__Secure-a=b; Max-Age=60; Path=/team; HttpOnly; SameSite=Lax; Secure'],
  ['http://localhost:8080', 'a=b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax'],
])('cookies of %s have its prefix and path', (issuer, cookie) => {
  const cookies = createCookies(issuer)
  expect(cookies.set('a', 'b', 60)).toBe(cookie)
  expect(cookies.read(cookie.split(';', 1)[0] ?? '').get('a')).toBe('b')
  expect(cookies.end('a')).toBe(cookie.replace('=b; Max-Age=60', '=; Max-Age=0'))
})

it.each([
  ['several', '__Host-a=b; __Host-c=d', { a: 'b', c: 'd' }],
  ['none', '', {}],
  ['one of another site of the host', 'a=b; __Secure-a=b', {}],
  ['one that occurs twice', '__Host-a=b; __Host-a=b; __Host-c=d', { c: 'd' }],
  ['one that occurs three times', '__Host-a=b; __Host-a=b; __Host-a=b', {}],
  ['odd characters', '__Host-a="b"; __Host-c=d', { c: 'd' }],
])('read returns %s', (_, header, found) => {
  expect(Object.fromEntries(createCookies('https://auth.example').read(header))).toEqual(found)
})
