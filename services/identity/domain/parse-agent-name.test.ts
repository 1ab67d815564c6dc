import { expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { parseAgentName } from './parse-agent-name.ts'

const ID = '019bbf2e-71c8-7000-8000-0123456789ab'
const DID = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'

it('parseAgentName parses an id and a DID', () => {
  expect(parseAgentName(ID)).toEqual({ id: ID })
  expect(parseAgentName(DID)).toEqual({ did: DID })
})

it.each([
  ['an empty text', ''],
  ['an id in upper case', ID.toUpperCase()],
  ['an id in braces', `{${ID}}`],
  ['a DID of another method', 'did:web:acme.example'],
  ['a DID URL', `${DID}#key`],
  ['a DID that is still percent-encoded', encodeURIComponent(DID)],
  ['a DID with a NUL', `${DID}\0`],
  ['a word', '__proto__'],
])('parseAgentName answers AGENT_NOT_FOUND for %s', (_name, text) => {
  expect(reasonOf(() => parseAgentName(text))).toBe('AGENT_NOT_FOUND')
})
