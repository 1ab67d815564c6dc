import { posix } from 'node:path'
import type { Markdown } from '../support/documents/markdown.ts'

/**
 * Lists the problems of the relative links in a document, one sentence each. `documents` contains all documents, for
 * their anchors. `exists` tells whether a path of the checkout exists.
 */
export function linkProblems(
  path: string,
  documents: ReadonlyMap<string, Markdown>,
  exists: (path: string) => boolean,
): readonly string[] {
  const links = documents.get(path)?.links ?? []
  return links.flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const to = file === '' ? path : posix.join(posix.dirname(path), file)
    if (file !== '' && !exists(to)) return [`${path}:${line} links to ${to}, which does not exist`]
    const isFound = anchor === undefined || documents.get(to)?.anchors.has(anchor) === true
    return isFound ? [] : [`${path}:${line} links to #${anchor}, which ${to} does not have`]
  })
}
