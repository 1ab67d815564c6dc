import { expect, it } from 'vitest'
import { parseTarget } from './request-target.ts'

const PREFIX = 'c2VjcmV0LXByZWZpeC0xMjM'

it.each([
  ['/v1/operators', { path: '/v1/operators', query: '' }],
  [
    '/v1/operators/a/agents?status=pending&page_size=2',
    { path: '/v1/operators/a/agents', query: '?status=pending&page_size=2' },
  ],
  ['/v1/agent/did%3Aagent%3aacme.example:00', { path: '/v1/agent/did%3Aagent%3aacme.example:00', query: '' }],
  ['/.well-known/jwks.json', { path: '/.well-known/jwks.json', query: '' }],
  ['/health?a=%2f../..', { path: '/health', query: '?a=%2f../..' }],
])('parseTarget returns %s unchanged', (rest, target) => {
  expect(parseTarget(`/${PREFIX}${rest}`, PREFIX)).toEqual(target)
})

it.each([
  '/',
  '',
  '*',
  '/v1/operators',
  '//v1/operators',
  `//${PREFIX}/v1/operators`,
  `/${PREFIX.slice(1)}/v1/operators`,
  `/${PREFIX}x/v1/operators`,
  `/${PREFIX.toUpperCase()}/v1/operators`,
  `/v1/../${PREFIX}/v1/operators`,
  `http://127.0.0.1/${PREFIX}/v1/operators`,
  `http://evil.example/${PREFIX}/v1/operators`,
])('parseTarget returns not-found for %s', (target) => {
  expect(parseTarget(target, PREFIX)).toBe('not-found')
})

it.each([
  '',
  '?a=b',
  '/',
  '//evil.example/v1',
  '/v1//agents',
  '/v1/agents/',
  '/v1/../admin',
  '/v1/./agents',
  '/..',
  '/v1/%2e%2e/agents',
  '/v1/.%2E/agents',
  '/v1/a%2fb',
  '/v1/a%2Fb',
  '/v1/a%5cb',
  '/v1/a\\b',
  '/v1/a%00b',
  '/v1/a%0d%0ab',
  '/v1/a%252fb',
  '/v1/a%zz',
  '/v1/a%4',
  '/v1/a b',
  '/v1/a#b',
  '/v1/a?b#c',
  '/v1/é',
  '/v1/<script>',
  `/v1/${'a'.repeat(8192)}`,
])('parseTarget returns malformed for %s', (rest) => {
  expect(parseTarget(`/${PREFIX}${rest}`, PREFIX)).toBe('malformed')
})
