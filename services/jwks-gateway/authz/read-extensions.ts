import { refused } from './refusal.ts'

/**
 * Reads the context extensions of a route from the query of a forward auth request. The decision knows their names.
 *
 * @throws EarlyRefusal if one is repeated or is not percent-encoded UTF-8
 */
export function readExtensions(query: string): Record<string, string> {
  const extensions = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const cut = pair.indexOf('=')
    const name = decode(cut < 0 ? pair : pair.slice(0, cut))
    if (extensions.has(name)) throw refused('EXTENSION_REPEATED', name)
    extensions.set(name, cut < 0 ? '' : decode(pair.slice(cut + 1)))
  }
  return Object.fromEntries(extensions)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw refused('EXTENSION_UNREADABLE')
  }
}
