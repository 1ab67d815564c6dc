/** Makes and reads the cookies of one deployment. */
export interface Cookies {
  /** Returns a value for the header Set-Cookie. */
  set(name: string, value: string, maxAgeS: number): string
  /** Returns a value for the header Set-Cookie that ends a cookie. */
  end(name: string): string
  /** Returns the cookies in a Cookie header by their names, without the prefix. Leaves out names that occur twice. */
  read(header: string): ReadonlyMap<string, string>
}

const PAIR = /^ *([^=\s;]{1,128})=([\w.-]*) *$/

/**
 * Creates the cookies of an issuer. A browser sends a cookie only over https, and only to this host. The prefix of its
 * name proves that (RFC 6265bis section 4.1.3). If the issuer has a path, its cookies are only for the path. An http
 * issuer is one of this machine, where browsers accept no prefix.
 */
export function createCookies(issuer: string): Cookies {
  const { protocol, pathname } = new URL(issuer)
  const isSecure = protocol === 'https:'
  const prefix = isSecure ? (pathname === '/' ? '__Host-' : '__Secure-') : ''
  const rules = `Path=${pathname}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  const set = (name: string, value: string, maxAgeS: number) =>
    `${prefix}${name}=${value}; Max-Age=${maxAgeS}; ${rules}`
  return {
    set,
    end: (name) => set(name, '', 0),
    read(header) {
      const found = new Map<string, string>()
      const seen = new Set<string>()
      for (const pair of header.split(';')) {
        const [, name = '', value = ''] = PAIR.exec(pair) ?? []
        if (name === '' || !name.startsWith(prefix)) continue
        const plain = name.slice(prefix.length)
        if (seen.has(plain)) found.delete(plain)
        else found.set(plain, value)
        seen.add(plain)
      }
      return found
    },
  }
}
