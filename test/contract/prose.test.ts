import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { reasons } from '../../services/platform/errors/reasons.ts'
import { beginsAsDetail } from '../support/documents/detail-style.ts'
import { readExported } from './support/exported-docs.ts'
import { commentLines, errorMessages, readSources, type SourceText, testTitles } from './support/source-texts.ts'

const ROOT = join(import.meta.dirname, '../..')
const LONGEST_LINE = 119
const LONGEST_DETAIL = 200
/** Words that hide who does what, so this project does not use them. `docs/glossary.md` says what to write instead. */
const RIDDLES =
  /\b(?:whoever|whomever|whosoever|that which|those that nobody|of what|goes on to|is told to|hears of)\b/i
const OTHER_LINES = [
  'proto/auth4agent/**/*.proto',
  'prisma/schema.prisma',
  'deploy/**/*.{sh,yaml,yml,conf}',
  'deploy/Containerfile',
  '.ci/run',
]

const sources = readSources()
const at = ({ at: place, text }: SourceText) => `${place}  ${text.trim()}`
const hasStop = ({ text }: SourceText) => text.endsWith('.')

describe('error messages', () => {
  const messages = sources.flatMap(errorMessages)

  it('are found in the code', () => {
    expect(messages.length).toBeGreaterThan(200)
  })

  it('begin with a capital letter or with a name of the code', () => {
    expect(messages.filter(({ text }) => !beginsAsDetail(text)).map(at)).toEqual([])
  })

  it('are at most 200 characters long and have no full stop', () => {
    expect(messages.filter((each) => hasStop(each) || each.text.length > LONGEST_DETAIL).map(at)).toEqual([])
  })

  it('of reasons begin with a capital letter, have no full stop and at most 100 characters', () => {
    const titles = Object.values(reasons).map(({ title }) => title)
    expect(titles.filter((title) => !/^\p{Lu}.*[^.]$/u.test(title) || title.length > 100)).toEqual([])
  })
})

describe('comments and docstrings', () => {
  it('end before column 120', () => {
    expect(
      sources
        .flatMap(commentLines)
        .filter(({ text }) => text.length > LONGEST_LINE)
        .map(at),
    ).toEqual([])
  })

  it('end before column 120 in the contract, the schema and the deployment', () => {
    const lines = globSync(OTHER_LINES, { cwd: ROOT }).flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .map((text, index) => ({ at: `${file}:${index + 1}`, text })),
    )
    expect(lines.filter(({ text }) => /^\s*(?:\/\/|#)/.test(text) && text.length > LONGEST_LINE).map(at)).toEqual([])
  })

  it('name the subject instead of a riddle', () => {
    expect(
      sources
        .flatMap(commentLines)
        .filter(({ text }) => RIDDLES.test(text))
        .map(at),
    ).toEqual([])
  })
})

describe('titles of tests', () => {
  const titles = sources.flatMap(testTitles)

  it('name the subject instead of a riddle', () => {
    expect(titles.filter(({ text }) => RIDDLES.test(text)).map(at)).toEqual([])
  })

  it('have no full stop', () => {
    expect(titles.filter(hasStop).map(at)).toEqual([])
  })
})

describe('what clients import', () => {
  const exported = readExported()

  it('has a docstring with an example', () => {
    expect(exported.length).toBeGreaterThan(100)
    expect(exported.filter(({ examples }) => examples.every((text) => text === '')).map(({ name }) => name)).toEqual([])
  })

  it('has examples that are TypeScript', () => {
    const wrong = exported.filter(({ examples }) => examples.some((text) => parseSync('a.ts', text).errors.length > 0))
    expect(wrong.map(({ name }) => name)).toEqual([])
  })
})
