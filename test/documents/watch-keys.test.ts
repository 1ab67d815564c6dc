import { describe, expect, it } from 'vitest'
import { readDocuments, readFromCheckout } from '../support/documents/checkout.ts'
import { parseMarkdown } from '../support/documents/markdown.ts'

/** An option `revocations` with a key. Captures what follows the name of the member `key`, if it has a value. */
const GIVES_KEY = /revocations\s*[:=]\s*\{[^}]*?\bkey\b(?::\s*([^,}]+))?/g

/** Returns what is wrong with the keys that the code of a document gives to verifiers. */
function keyProblems(text: string): readonly string[] {
  const code = parseMarkdown(text).blocks.map((block) => block.text)
  const given = code.flatMap((block) => Array.from(block.matchAll(GIVES_KEY)))
  if (given.length === 0) return []
  const values = given.flatMap(([, value]) => (value !== undefined && /root|admin/i.test(value) ? [value.trim()] : []))
  const isNamed = /\bwatch\b/.test(text)
  return [...values.map((value) => `gives a verifier ${value}`), ...(isNamed ? [] : ['does not name the role watch'])]
}

const documents = [...(await readDocuments()).keys()]

describe('a key with which a verifier follows revocations', () => {
  it.each(documents)('in %s is no root key, and has the role watch', async (path) => {
    expect(keyProblems(await readFromCheckout(path))).toEqual([])
  })

  it('is in the README, in the README of the verifier, and in the program of docs/delegation.md', async () => {
    const texts = await Promise.all(
      ['README.md', 'clients/verifier/README.md', 'docs/delegation.md'].map(async (path) => {
        const found = [...(await readFromCheckout(path)).matchAll(GIVES_KEY)]
        return [path, found.length > 0]
      }),
    )
    expect(texts.filter(([, isFound]) => !isFound)).toEqual([])
  })

  it.each([
    [
      'a root key by its name',
      'watch\n```ts\nconst revocations = { operatorId, key: rootKey }\n```',
      'verifier rootKey',
    ],
    [
      'the file of a root key',
      'watch\n```ts\nx({ revocations: { key: await read("root.key") } })\n```',
      'verifier await',
    ],
    ['a key without its role', '```ts\nx({ revocations: { operatorId, key } })\n```', 'does not name the role watch'],
  ])('is refused here if it is %s', (_name, text, problem) => {
    expect(keyProblems(text)).toEqual([expect.stringContaining(problem)])
  })
})
