import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Markdown, parseMarkdown } from './markdown.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Folders that contain no documents of this project: installed packages, built files and data. */
const ELSEWHERE = new Set(['node_modules', 'data', 'dist', 'results', '.git'])

/** Reads a file of the checkout. */
export const readFromCheckout = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')

/** Reads every Markdown document of the checkout. Returns the documents by their paths from the root, sorted. */
export async function readDocuments(): Promise<ReadonlyMap<string, Markdown>> {
  const paths: string[] = []
  for await (const path of glob('**/*.md', {
    cwd: ROOT,
    exclude: (name) => ELSEWHERE.has(name.split('/').at(-1) ?? ''),
  })) {
    paths.push(path)
  }
  const entries = paths.toSorted().map(async (path) => [path, parseMarkdown(await readFromCheckout(path))] as const)
  return new Map(await Promise.all(entries))
}
