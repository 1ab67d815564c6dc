import { describe, expect, it } from 'vitest'
import { DatabaseUrlError, parseDatabaseUrl } from './database-url.ts'

describe('parseDatabaseUrl', () => {
  it.each<[url: string, hosts: readonly (readonly [name: string, url: string, dnsName?: string])[], label: string]>([
    [
      'postgresql://u:p@a:5432,b,c:5433/db?target_session_attrs=read-write',
      [
        ['a:5432', 'postgresql://u:p@a:5432/db?target_session_attrs=read-write', 'a'],
        ['b', 'postgresql://u:p@b/db?target_session_attrs=read-write', 'b'],
        ['c:5433', 'postgresql://u:p@c:5433/db?target_session_attrs=read-write', 'c'],
      ],
      'a:5432,b,c:5433/db',
    ],
    [
      'postgres://u:p,w@10.0.0.1,[2001:db8::1]:5433/db?sslmode=verify-full&target_session_attrs=primary',
      [
        ['10.0.0.1', 'postgres://u:p,w@10.0.0.1/db?sslmode=verify-full&target_session_attrs=primary'],
        [
          '[2001:db8::1]:5433',
          'postgres://u:p,w@[2001:db8::1]:5433/db?sslmode=verify-full&target_session_attrs=primary',
        ],
      ],
      '10.0.0.1,[2001:db8::1]:5433/db',
    ],
    [
      'postgres://a,b',
      [
        ['a', 'postgres://a', 'a'],
        ['b', 'postgres://b', 'b'],
      ],
      'a,b',
    ],
    [
      'postgres://u@db.example:5432/a?x=1,2',
      [['db.example:5432', 'postgres://u@db.example:5432/a?x=1,2', 'db.example']],
      'db.example:5432/a',
    ],
    ['postgres://u@10.0.0.1/a', [['10.0.0.1', 'postgres://u@10.0.0.1/a']], '10.0.0.1/a'],
    ['postgres://u@[::1]/a', [['[::1]', 'postgres://u@[::1]/a']], '[::1]/a'],
    ['postgresql:///a?host=/run/pg', [['/run/pg', 'postgresql:///a?host=/run/pg']], '/run/pg/a'],
    ['postgres://u:a,b@db/a', [['db', 'postgres://u:a,b@db/a', 'db']], 'db/a'],
  ])('splits %s', (url, hosts, label) => {
    const parsed = parseDatabaseUrl(url)
    expect(parsed.label).toBe(label)
    expect(parsed.hosts.map(({ name, url: own, dnsName }) => [name, own, dnsName])).toEqual(
      hosts.map(([name, own, dnsName]) => [name, own, dnsName]),
    )
  })

  it.each([
    ['db', 'must be a postgresql:// URL'],
    ['mysql://a,b/db', 'must be a postgresql:// URL'],
    ['postgresql://a:x/db', 'must be a postgresql:// URL'],
    ['postgresql://a,,b/db', 'must not have an empty host: take the extra comma out'],
    ['postgresql://u@,a/db', 'must not have an empty host: take the extra comma out'],
    ['postgresql://a,b,/db', 'must not have an empty host: take the extra comma out'],
    ['postgresql://a%2Cb/db', 'must separate hosts by commas, not by %2C'],
    ['postgresql://a,:5432/db', 'must have DNS names or IP addresses as hosts, not ":5432"'],
    ['postgresql://a,b c/db', 'must have DNS names or IP addresses as hosts, not "b c"'],
    ['postgresql://a,%2Frun%2Fpg/db', 'must have DNS names or IP addresses as hosts, not "%2Frun%2Fpg"'],
    ['postgresql://a,[b]/db', 'must have DNS names or IP addresses as hosts, not "[b]"'],
    ['postgresql://a,::1/db', 'must have IPv6 addresses in brackets: [::1], not ::1'],
    ['postgresql://a,b:0/db', 'must have ports from 1 to 65535, not "0" in b:0'],
    ['postgresql://a,b:65536/db', 'must have ports from 1 to 65535, not "65536" in b:65536'],
    ['postgresql://a,b:/db', 'must have ports from 1 to 65535, not "" in b:'],
    ['postgresql://a,b:54x/db', 'must have ports from 1 to 65535, not "54x" in b:54x'],
    ['postgresql://a,A:5432/db', 'must name each host once, but names a:5432 twice'],
    [`postgresql://${Array.from({ length: 17 }, (_, n) => `h${n}`).join()}/db`, 'must name at most 16 hosts, not 17'],
    [
      'postgres:///db?host=a,b',
      'must name several hosts after the user, as in postgresql://user@a,b/name, not in host=',
    ],
    [
      'postgres:///db?host=a%2Cb',
      'must name several hosts after the user, as in postgresql://user@a,b/name, not in host=',
    ],
    ['postgres://a,b/db?host=c', 'must not have the parameter host beside several hosts'],
    ['postgres://a,b/db?port=5433', 'must not have the parameter port beside several hosts'],
    ['postgres://a,b/db?hostaddr=10.0.0.1', 'must not have the parameter hostaddr beside several hosts'],
    ['postgres://a,b/db?target_session_attrs=any', 'must have target_session_attrs=read-write or primary, not "any"'],
    [
      'postgres://a/db?target_session_attrs=standby',
      'must have target_session_attrs=read-write or primary, not "standby"',
    ],
    ['postgres://a,b/db?target_session_attrs=', 'must have target_session_attrs=read-write or primary, not ""'],
    [
      'postgres://a/db?target_session_attrs=primary&target_session_attrs=primary',
      'must have target_session_attrs once',
    ],
  ])('refuses %s', (url, sentence) => {
    expect(() => parseDatabaseUrl(url)).toThrow(sentence)
  })

  it.each([
    'postgresql://user:secret,word/x@a,b/db',
    'postgresql://user:secret,word?x@a,b/db',
    'postgresql://user:secret,word#x@a,b/db',
    'postgresql://user:x@secret,word/x@a/db',
  ])('refuses %s without showing a part of its password', (url) => {
    expect(() => parseDatabaseUrl(url)).toThrow(new DatabaseUrlError('must have a percent-encoded user and password'))
  })
})
