import { expect, it } from 'vitest'
import { isRegisteredClient, isUrlClient } from './client-id.ts'

it.each([
  ['https://client.example/oauth/client.json', true],
  ['https://client.example:8443/client', true],
  ['https://client.example/c?v=1', true],
  [`https://client.example/${'a'.repeat(489)}`, true],
  [`https://client.example/${'a'.repeat(490)}`, false],
  ['https://client.example/', false],
  ['https://client.example', false],
  ['http://client.example/client', false],
  ['https://client.example/client#part', false],
  ['https://client.example/client#', false],
  ['https://user@client.example/client', false],
  ['https://user:pass@client.example/client', false],
  ['https://client.example/a/../client', false],
  ['https://client.example/./client', false],
  ['https://client.example/%2e%2e/client', false],
  ['https://client.example:443/client', false],
  ['https://CLIENT.example/client', false],
  ['https://client.example\\client', false],
  ['https://client.example/cli ent', false],
  ['https://client.example/client\n', false],
  ['https://clïent.example/client', false],
  ['did:agent:acme.example:21fe31dfa154a261626bf854046fd227', false],
  ['', false],
])('isUrlClient(%j) is %s', (text, is) => {
  expect(isUrlClient(text)).toBe(is)
})

it.each([
  [`reg_${'a'.repeat(16)}`, true],
  [`reg_${'a'.repeat(508)}`, true],
  [`reg_${'a'.repeat(15)}`, false],
  [`reg_${'a'.repeat(509)}`, false],
  [`reg_${'a'.repeat(16)}.`, false],
  [`REG_${'a'.repeat(16)}`, false],
  ['https://client.example/client', false],
])('isRegisteredClient(%j) is %s', (text, is) => {
  expect(isRegisteredClient(text)).toBe(is)
})
