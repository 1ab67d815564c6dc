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
    'actor did:agent:c; principal did:agent:a; grants ["grant-a","grant-b","grant-c"]; through ["did:agent:b"]; ' +
      'scope ["read"]; audience ["https://shop.example"]; details ["https://shop.example#pay"]',
  )
})

it('describeExchange leaves out what there is not, and names the token of an exchange without grants once', () => {
  const both = [party('a', '1'), { ...party('b', '1'), id: 'grant-a' }]
  expect(describeExchange(both, { ...terms, scope: [], details: new Map() }).reason).toBe(
    'actor did:agent:b; principal did:agent:a; grants ["grant-a"]; audience ["https://shop.example"]',
  )
})

it('describeExchange cuts each list on its own, so a long list pushes out no other fact', () => {
  const scope = Array.from({ length: 32 }, (_, at) => `${at}`.padEnd(128, 'x'))
  const audience = Array.from({ length: 8 }, (_, at) => ({ text: `https://${at}`.padEnd(255, 'x'), host: 'x' }))
  const { reason } = describeExchange([party('a', '1'), party('b', '1')], { ...terms, scope, audience })
  const facts = reason.split('; ')
  expect(facts.map((fact) => fact.split(' ')[0])).toEqual([
    'actor',
    'principal',
    'grants',
    'scope',
    'audience',
    'details',
  ])
  expect(facts[2]).toBe('grants ["grant-a","grant-b"]')
  expect(facts[3]).toMatch(/^scope \["0x+","1x+","2x+","3x+"\] and 28 more$/)
  expect(facts[4]).toMatch(/^audience \["https:\/\/0x+","https:\/\/1x+"\] and 6 more$/)
  expect(facts[5]).toBe('details ["https://shop.example#pay"]')
})

it('describeExchange shows the ids of the longest chain, and a value of the greatest length', () => {
  const longest = Array.from({ length: 9 }, (_, at) => ({ ...party('a', '1'), id: `${at}`.padEnd(43, 'x') }))
  const capability = `${'https://shop.example/'.padEnd(255, 'x')}#${'y'.repeat(128)}`
  const { reason } = describeExchange(longest, { ...terms, details: new Map([[capability, new Map()]]) })
  expect(reason).toContain(`details ["${capability}"]`)
  for (const { id } of longest) expect(reason).toContain(`"${id}"`)
})

it('describeExchange lets no scope look like another fact', () => {
  const { reason } = describeExchange([party('a', '1'), party('b', '1')], {
    ...terms,
    scope: ['read;', 'actor', 'did:agent:z;'],
  })
  expect(reason.split('; ').filter((fact) => fact.startsWith('actor '))).toEqual(['actor did:agent:b'])
})
