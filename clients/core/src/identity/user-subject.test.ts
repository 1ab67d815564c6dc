import { expect, it } from 'vitest'
import { isUserSubject } from './user-subject.ts'

it.each([
  ['user:alice', true],
  ['service-account:x', true],
  ['user:alice@corp.example', true],
  [`user:${'a'.repeat(200)}`, true],
  [`user:${'a'.repeat(201)}`, false],
  [`${'k'.repeat(33)}:a`, false],
  ['did:agent', false],
  ['did:agent:acme.example:21fe31dfa154a261626bf854046fd227', false],
  ['https://idp.example', false],
  ['alice', false],
  ['User:alice', false],
  ['user:', false],
  [':alice', false],
  ['user:alice smith', false],
  ['user:alice\n', false],
  ['user:älice', false],
])('isUserSubject(%j) is %s', (text, is) => {
  expect(isUserSubject(text)).toBe(is)
})
