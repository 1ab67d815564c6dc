import { isIPv6 } from 'node:net'

/**
 * Returns the key under which a source address is counted. An IPv6 customer has at least a /64 (RFC 6177), so the key
 * is the first four groups. Any other text is its own key.
 */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address
  const bare = address.split('%', 1)[0] ?? address
  if (!isIPv6(bare)) return address
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
