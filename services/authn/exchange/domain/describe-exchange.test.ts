import { expect, it } from 'vitest'
import { describeExchange } from './describe-exchange.ts'

const party = (name: string, operatorId: string) => ({ did: `did:agent:${name}`, operatorId, id: `grant-${name}` })
const terms = {
  scope: ['read'],
  audience: [{ text: 'https://shop.example', host: 'shop.example' }],
  details: new Map([['https://shop.example#pay', new Map()]]),
}

it('describeExchange names the actor first, then the principal, the parties between and what is allowed', () => {
  const { operatorIds, reason } = describeExchange([party('a', '1'), party('b', '2'), party('c', '1')], terms)
  expect(operatorIds).toEqual(['1', '2'])
  expect(reason).toBe(
    'actor did:agent:c; principal did:agent:a; through did:agent:b; audience https://shop.example; scope read; ' +
      'details https://shop.example#pay; grants grant-a grant-b grant-c',
  )
})

it('describeExchange leaves out what there is not, and names the token of an exchange without grants once', () => {
  const both = [party('a', '1'), { ...party('b', '1'), id: 'grant-a' }]
  expect(describeExchange(both, { ...terms, scope: [], details: new Map() }).reason).toBe(
    'actor did:agent:b; principal did:agent:a; audience https://shop.example; grants grant-a',
  )
})

it('describeExchange cuts a long reason after the most important facts', () => {
  const { reason } = describeExchange([party('a', '1'), party('b', '1')], { ...terms, scope: ['x'.repeat(3_000)] })
  expect(reason).toHaveLength(2_048)
  expect(reason).toMatch(/^actor did:agent:b; principal did:agent:a; .*…$/)
})
