import { expect, it } from 'vitest'
import { clientIdMetadata } from './requirements/client-id-metadata.ts'
import { mcp } from './requirements/mcp.ts'
import { oauth21 } from './requirements/oauth21.ts'
import { rfc6749 } from './requirements/rfc6749.ts'
import { rfc6750 } from './requirements/rfc6750.ts'
import { rfc7009 } from './requirements/rfc7009.ts'
import { rfc7521 } from './requirements/rfc7521.ts'
import { rfc7523 } from './requirements/rfc7523.ts'
import { rfc7591 } from './requirements/rfc7591.ts'
import { rfc7636 } from './requirements/rfc7636.ts'
import { rfc7662 } from './requirements/rfc7662.ts'
import { rfc8252 } from './requirements/rfc8252.ts'
import { rfc8414 } from './requirements/rfc8414.ts'
import { rfc8628 } from './requirements/rfc8628.ts'
import { rfc8693 } from './requirements/rfc8693.ts'
import { rfc8707 } from './requirements/rfc8707.ts'
import { rfc9068 } from './requirements/rfc9068.ts'
import { rfc9207 } from './requirements/rfc9207.ts'
import { rfc9449 } from './requirements/rfc9449.ts'
import { rfc9449Proofs } from './requirements/rfc9449-proofs.ts'
import { rfc9701 } from './requirements/rfc9701.ts'
import { rfc9728 } from './requirements/rfc9728.ts'
import { hasTest } from './support/find-titles.ts'
import { problemsOf, type Requirement } from './support/requirement.ts'

const STANDARDS: Readonly<Record<string, readonly Requirement[]>> = {
  'RFC 6749': rfc6749,
  'RFC 6750': rfc6750,
  'RFC 7009': rfc7009,
  'RFC 7521': rfc7521,
  'RFC 7523': rfc7523,
  'RFC 7591': rfc7591,
  'RFC 7636': rfc7636,
  'RFC 7662': rfc7662,
  'RFC 8252': rfc8252,
  'RFC 8414': rfc8414,
  'RFC 8628': rfc8628,
  'RFC 8693': rfc8693,
  'RFC 8707': rfc8707,
  'RFC 9068': rfc9068,
  'RFC 9207': rfc9207,
  'RFC 9449': [...rfc9449Proofs, ...rfc9449],
  'RFC 9701': rfc9701,
  'RFC 9728': rfc9728,
  'OAuth 2.1, a draft': oauth21,
  'client ID metadata documents, draft 01': clientIdMetadata,
  'MCP authorization 2026-07-28': mcp,
}

it.each(Object.entries(STANDARDS))('each requirement of %s has a test that exists', (_, rows) => {
  expect(rows.flatMap((row) => problemsOf(row, hasTest))).toEqual([])
})

const OWN = 'test/conformance/oauth/requirements.test.ts'
const GOOD = { section: '1', requirement: 'Each row is true', tests: [`${OWN} › the check of a row reports %s`] }

it.each<[string, Requirement]>([
  ['a row without a test', { ...GOOD, tests: [] }],
  ['a row without a section', { ...GOOD, section: '' }],
  ['a requirement that is not a sentence', { ...GOOD, requirement: 'each row is true.' }],
  ['a file that does not exist', { ...GOOD, tests: [`test/nowhere.test.ts › the check of a row reports %s`] }],
  ['a title that does not exist', { ...GOOD, tests: [`${OWN} › the check of a row never reports %s`] }],
  ['a case that no table has', { ...GOOD, tests: [`${OWN} › the check of a row reports ${'nothing '.repeat(2)}`] }],
  ['a file without a title', { ...GOOD, tests: [OWN] }],
  ['a feature that is missing without a reason', { section: '1', requirement: 'Each row is true', notOurs: '' }],
])('the check of a row reports %s', (_, row) => {
  expect(problemsOf(row, hasTest)).toHaveLength(1)
})

it('the check of a row accepts a whole table and one case of it', () => {
  expect(problemsOf(GOOD, hasTest)).toEqual([])
  const tests = [`${OWN} › the check of a row reports a title that does not exist`]
  expect(problemsOf({ ...GOOD, tests }, hasTest)).toEqual([])
})
