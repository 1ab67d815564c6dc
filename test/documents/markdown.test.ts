import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDocuments } from '../support/documents/checkout.ts'
import { parseMarkdown } from '../support/documents/markdown.ts'
import { blockProblems } from './blocks.ts'
import { longLines } from './line-length.ts'
import { linkProblems } from './links.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Documents whose lines may still be too long. */
const NOT_YET: ReadonlySet<string> = new Set([
  'clients/README.md',
  'clients/by-hand.md',
  'clients/cli/README.md',
  'services/grpc-port/README.md',
])

const documents = await readDocuments()
const exists = (path: string) => existsSync(join(ROOT, path))

/** Returns all documents, and one more document with this text. */
const broken = (text: string) => new Map([...documents, ['docs/broken.md', parseMarkdown(text)]])

describe.each([...documents])('%s', (path, document) => {
  it('links only to files and headings that exist', () => {
    expect(linkProblems(path, documents, exists)).toEqual([])
  })

  it('has only blocks of code that name their language and parse', async () => {
    const problems = await Promise.all(document.blocks.map((block) => blockProblems(path, block)))
    expect(problems.flat()).toEqual([])
  })
})

describe.each([...documents].filter(([path]) => !NOT_YET.has(path)))('%s', (path, document) => {
  it('has only lines of prose that end before column 120', () => {
    expect(longLines(path, document)).toEqual([])
  })
})

describe('the checks of documents', () => {
  it.each([
    ['a file that does not exist', '[a](missing.md)', 'docs/missing.md, which does not exist'],
    [
      'a heading of another document that does not exist',
      '[a](rest.md#nowhere)',
      '#nowhere, which docs/rest.md does not',
    ],
    [
      'a heading of the same document that does not exist',
      '# Here\n[a](#there)',
      '#there, which docs/broken.md does not',
    ],
    ['a heading of a folder', '[a](../deploy#files)', '#files, which deploy does not'],
  ])('report a link to %s', (_case, text, problem) => {
    expect(linkProblems('docs/broken.md', broken(text), exists)).toEqual([expect.stringContaining(problem)])
  })

  it.each([
    [
      'a heading with code and punctuation',
      "## The `exec` of an agent's key: 100 %\n[a](#the-exec-of-an-agents-key-100-)",
    ],
    ['the second of two equal headings', '# A\n# A\n[a](#a-1)'],
    ['a link inside of code', '`[a](missing.md)`'],
    ['another site', '[a](https://example.com/x)'],
  ])('accept %s', (_case, text) => {
    expect(linkProblems('docs/broken.md', broken(text), exists)).toEqual([])
  })

  it.each([
    ['no language', '```\nx\n```', 'the language ""'],
    ['an unknown language', '```cobol\nx\n```', 'the language "cobol"'],
    ['a shell command that does not parse', '```sh\necho "a\n```', 'is not sh'],
    ['a command of a session that does not parse', '```console\n$ echo (\nanything " here\n```', 'is not console'],
    ['JSON that does not parse', '```json\n{"a":}\n```', 'is not json'],
    ['YAML that does not parse', '```yaml\na: [b\n```', 'is not yaml'],
    ['TypeScript that does not parse', '```ts\nconst a: = 1\n```', 'is not ts'],
    ['Python that does not parse', '```python\ndef a(\n```', 'is not python'],
  ])('report a block with %s', async (_case, text, problem) => {
    const problems = await Promise.all(parseMarkdown(text).blocks.map((block) => blockProblems('x.md', block)))
    expect(problems.flat()).toEqual([expect.stringContaining(problem)])
  })

  it('report a block that never ends', () => {
    expect(() => parseMarkdown('a\n```sh\nb\n')).toThrow('line 2 never ends')
  })

  const long = `${'word '.repeat(23)}words`
  it.each([
    ['a line of 120 characters', long, 1],
    ['an item of a list of 121', `-${long}`, 1],
    ['a line of 119', long.slice(1), 0],
    ['a row of a table', `| ${long} |`, 0],
    ['code', `\`\`\`sh\n${long}\n\`\`\``, 0],
    ['a line that is one link', `- [x](https://example.com/${'x'.repeat(120)})`, 0],
  ])('count in %s the lines that are too long', (_case, text, count) => {
    expect(longLines('x.md', parseMarkdown(text))).toHaveLength(count)
  })
})
