import { describe, expect, it } from 'vitest'
import { normalizeHtu } from './htu.ts'

const UNRESERVED = 'AZaz09-._~'
const KEPT = "!$&'()*+,;=:@"
const UNRESERVED_BYTES: Readonly<Record<string, string>> = { '%2e': '.', '%7e': '~' }
const hex = (text: string) => `%${text.charCodeAt(0).toString(16).padStart(2, '0')}`

describe('normalizeHtu', () => {
  it.each([
    ['https://api.example/orders', 'https://api.example/orders'],
    ['scheme and host in upper case', 'HTTPS://API.Example/Orders', 'https://api.example/Orders'],
    ['no path', 'https://api.example', 'https://api.example/'],
    ['no path, but a query', 'https://api.example?page=1', 'https://api.example/'],
    ['no path, but a fragment', 'https://api.example#top', 'https://api.example/'],
    ['a query', 'https://api.example/orders?page=1', 'https://api.example/orders'],
    ['a fragment', 'https://api.example/orders#top', 'https://api.example/orders'],
    ['a query with a slash, a space and a question mark', 'https://a.example/b?c=/d ?', 'https://a.example/b'],
    ['a fragment with a question mark', 'https://a.example/b#c?d', 'https://a.example/b'],
    ['a fragment over two lines', 'https://a.example/b#c\nd', 'https://a.example/b'],
    ['the default port of https', 'https://api.example:443/', 'https://api.example/'],
    ['the default port of http', 'http://api.example:80/', 'http://api.example/'],
    ['the default port with a zero in front', 'https://api.example:0443/', 'https://api.example/'],
    ['an empty port', 'https://api.example:/', 'https://api.example/'],
    ['the default port of the other scheme', 'https://api.example:80/', 'https://api.example:80/'],
    ['another port', 'http://localhost:08080/a', 'http://localhost:8080/a'],
    ['the highest port', 'https://api.example:65535/', 'https://api.example:65535/'],
    ['an IPv4 address', 'http://127.0.0.1:8080/', 'http://127.0.0.1:8080/'],
    ['an IPv6 address', 'http://[2001:DB8::1]:8080/', 'http://[2001:db8::1]:8080/'],
    ['a host with a dot at its end', 'https://api.example./', 'https://api.example./'],
    ['a slash at the end of the path', 'https://api.example/orders/', 'https://api.example/orders/'],
    ['empty segments', 'https://api.example//a///b', 'https://api.example//a///b'],
    ['dot segments', 'https://api.example/a/./b/../c', 'https://api.example/a/c'],
    ['a dot segment at the end', 'https://api.example/a/b/.', 'https://api.example/a/b/'],
    ['two dots at the end', 'https://api.example/a/b/..', 'https://api.example/a/'],
    ['more dot segments than segments', 'https://api.example/../../a', 'https://api.example/a'],
    ['only dot segments', 'https://api.example/./..', 'https://api.example/'],
    ['percent-encoded dot segments', 'https://api.example/a/%2E%2e/b', 'https://api.example/b'],
    ['dots inside a segment', 'https://api.example/...a/.b/c..', 'https://api.example/...a/.b/c..'],
    ['an empty segment that two dots remove', 'https://api.example/a//../b', 'https://api.example/a/b'],
    ['a percent-encoded slash', 'https://api.example/a%2fb', 'https://api.example/a%2Fb'],
    ['a percent-encoded percent sign', 'https://api.example/%2541', 'https://api.example/%2541'],
    ['a percent-encoded question mark', 'https://api.example/a%3Fb', 'https://api.example/a%3Fb'],
    [
      'a percent-encoded byte beyond ASCII',
      'https://api.example/gr%c3%b6%C3%9Fe',
      'https://api.example/gr%C3%B6%C3%9Fe',
    ],
    ['characters beyond ASCII', 'https://api.example/größe/😀', 'https://api.example/gr%C3%B6%C3%9Fe/%F0%9F%98%80'],
    [
      'characters that a path must encode',
      'https://a.example/a|b"<>[]{}^`',
      'https://a.example/a%7Cb%22%3C%3E%5B%5D%7B%7D%5E%60',
    ],
  ])('normalises %s', (_name, url, expected = url) => {
    expect(normalizeHtu(url)).toBe(expected)
  })

  it.each([
    ['nothing', ''],
    ['no scheme', 'api.example/orders'],
    ['only a path', '/orders'],
    ['a scheme-relative URL', '//api.example/orders'],
    ['another scheme', 'ftp://api.example/'],
    ['a scheme that begins with https', 'httpsx://api.example/'],
    ['one slash', 'https:/api.example/'],
    ['three slashes, so no host', 'https:///orders'],
    ['only a port', 'https://:443/'],
    ['a user name', 'https://agent@api.example/'],
    ['a user name and a password', 'https://agent:secret@api.example/'],
    ['an empty user name', 'https://@api.example/'],
    ['a host beyond ASCII', 'https://größe.example/'],
    ['a percent-encoded host', 'https://%61pi.example/'],
    ['a host with a space', 'https://api example/'],
    ['an open bracket', 'https://[::1/'],
    ['a bracket around a name', 'https://[api.example]/'],
    ['a port beyond 65535', 'https://api.example:65536/'],
    ['a port that is not a number', 'https://api.example:8o/'],
    ['a negative port', 'https://api.example:-1/'],
    ['a space in front', ' https://api.example/'],
    ['a newline at the end', 'https://api.example\n'],
    ['a space in the path', 'https://api.example/a b'],
    ['a tab in the path', 'https://api.example/a\tb'],
    ['a NUL in the path', 'https://api.example/a\0b'],
    ['a delete character in the path', 'https://api.example/a\x7fb'],
    ['a backslash in the path', 'https://api.example/a\\b'],
    ['backslashes for slashes', 'https:\\\\api.example\\'],
    ['a percent sign alone', 'https://api.example/100%'],
    ['a percent sign before other characters', 'https://api.example/%zz'],
    ['a percent sign with one digit', 'https://api.example/%4'],
    ['half of a surrogate pair', 'https://api.example/\ud800'],
    ['two URLs', 'https://api.example https://api.example/'],
  ])('returns undefined for %s', (_name, url) => {
    expect(normalizeHtu(url)).toBeUndefined()
  })

  it('decodes every unreserved character in both cases of the digits, and keeps every other ASCII character', () => {
    for (let code = 0; code < 128; code += 1) {
      const character = String.fromCharCode(code)
      const encoded = hex(character)
      const isUnreserved = /[A-Za-z0-9._~-]/.test(character)
      const expected = `https://api.example/a${isUnreserved ? character : encoded.toUpperCase()}b`
      expect(normalizeHtu(`https://api.example/a${encoded}b`)).toBe(expected)
      expect(normalizeHtu(`https://api.example/a${encoded.toUpperCase()}b`)).toBe(expected)
    }
    expect(normalizeHtu(`https://api.example/${UNRESERVED}${KEPT}`)).toBe(`https://api.example/${UNRESERVED}${KEPT}`)
  })

  it('returns a URL that it does not change again and that the URL class reads as the same path', () => {
    const pieces = ['/', '.', '..', 'a', '%2e', '%2F', '%7e', 'é', '|', ':', '~', '%C3', '//', '%25']
    let state = 7
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return pieces[(state >>> 8) % pieces.length] ?? ''
    }
    for (let round = 0; round < 2_000; round += 1) {
      const path = Array.from({ length: 1 + (round % 8) }, next).join('')
      const url = normalizeHtu(`https://api.example/${path}`) ?? expect.unreachable(path)
      expect(normalizeHtu(url)).toBe(url)
      const read = new URL(`https://api.example/${path}`).pathname.replaceAll('|', '%7C')
      const spelled = read.replaceAll(/%../g, (byte) => UNRESERVED_BYTES[byte.toLowerCase()] ?? byte.toUpperCase())
      expect(url).toBe(`https://api.example${spelled}`)
    }
  })
})
