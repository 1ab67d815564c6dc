import { describe, expect, it } from 'vitest'
import { isTokenStatus } from './status.ts'

const ISSUER = 'https://auth.example/a4a'
const URI = `${ISSUER}/v1/status-lists/7`
const at = (edits: object) => ({ status_list: { idx: 0, uri: URI, ...edits } })

describe('isTokenStatus', () => {
  it.each<[string, unknown]>([
    ['index 0', at({})],
    ['the largest index', at({ idx: 2_147_483_647 })],
    ['an id of 64 characters', at({ uri: `${ISSUER}/v1/status-lists/${'aZ_-'.repeat(16)}` })],
  ])('accepts %s', (_, value) => {
    expect(isTokenStatus(value, ISSUER)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a text', URI],
    ['no mechanism', {}],
    ['another mechanism', { other: { idx: 0, uri: URI } }],
    ['another mechanism in addition', { ...at({}), other: 1 }],
    ['a list that is null', { status_list: null }],
    ['a list that is an array', { status_list: [0, URI] }],
    ['a further member', at({ note: 1 })],
    ['no index', { status_list: { uri: URI } }],
    ['no address', { status_list: { idx: 0 } }],
    ['a member in place of the index', { status_list: { index: 0, uri: URI } }],
    ['a negative index', at({ idx: -1 })],
    ['an index with a fraction', at({ idx: 0.5 })],
    ['an index of 2^31', at({ idx: 2_147_483_648 })],
    ['an index that is a text', at({ idx: '0' })],
    ['an address that is a list', at({ uri: [URI] })],
    ['an address on another origin', at({ uri: 'https://evil.example/v1/status-lists/7' })],
    ['an address on a longer host', at({ uri: `${ISSUER}.evil.example/v1/status-lists/7` })],
    ['an address on another origin of the same length', at({ uri: URI.replace('auth', 'evil') })],
    ['another path of the issuer', at({ uri: `${ISSUER}/v1/agents/7` })],
    ['no id', at({ uri: `${ISSUER}/v1/status-lists/` })],
    ['an id of 65 characters', at({ uri: `${ISSUER}/v1/status-lists/${'a'.repeat(65)}` })],
    ['dot segments', at({ uri: `${ISSUER}/v1/status-lists/..` })],
    ['a path below the list', at({ uri: `${URI}/x` })],
    ['a query', at({ uri: `${URI}?time=1` })],
    ['a fragment', at({ uri: `${URI}#x` })],
    ['an encoded character', at({ uri: `${ISSUER}/v1/status-lists/%2e%2e` })],
    ['a line end', at({ uri: `${URI}\n` })],
  ])('refuses %s', (_, value) => {
    expect(isTokenStatus(value, ISSUER)).toBe(false)
  })
})
