/**
 * Members that only a private or a symmetric JWK has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2).
 */
export const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const PRIVATE_PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** Returns the paths of private key members and PEM private keys in a JSON value, such as `keys.0.d`. */
export function findPrivateMembers(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return PRIVATE_PEM.test(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = path === '' ? name : `${path}.${name}`
    const isPrivate = !Array.isArray(value) && PRIVATE_MEMBERS.includes(name)
    return (isPrivate ? [at] : []).concat(findPrivateMembers(inner, at))
  })
}

/** Expects that an answer of the server contains no private key. Throws Error if it does. */
export function expectNothingPrivate(text: string): void {
  const found = findPrivateMembers(isJson(text) ? JSON.parse(text) : text)
  if (found.length > 0) throw new Error(`The server answered with a private key at ${found.join(', ')}`)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
