import { isIP } from 'node:net'

/** One host of the URL of the database. */
export interface DatabaseHost {
  /** The host and port as the administrator wrote them. */
  readonly name: string
  /** The URL with this host alone. The driver reads it. */
  readonly url: string
  /** The DNS name, which may have several addresses. Undefined for an IP address and for a Unix socket. */
  readonly dnsName: string | undefined
}

/** The hosts of a URL, in its order, and what the log calls the database: hosts and name, without the login. */
export interface DatabaseHosts {
  readonly hosts: readonly DatabaseHost[]
  readonly label: string
}

const MAX_HOSTS = 16
const DEFAULT_PORT = '5432'
/** Scheme, login with its `@`, hosts, and the rest of the URL. */
const PARTS = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#@]*)(.*)$/s
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$/i
/** The driver would take these instead of the hosts. */
const HOST_PARAMETERS = ['host', 'hostaddr', 'port']
const WRITABLE = new Set(['read-write', 'primary'])
const NO_URL = 'must be a postgresql:// URL'

/** Thrown for a wrong URL of the database. The message continues the name of the setting and has no password. */
export class DatabaseUrlError extends Error {
  override readonly name = 'DatabaseUrlError'
}

/**
 * Parses the URL of the database, with one host or several ones as libpq has them:
 * `postgresql://user:password@a:5432,b,c:5433/name?target_session_attrs=read-write`.
 * @throws DatabaseUrlError when the URL is wrong
 */
export function parseDatabaseUrl(text: string): DatabaseHosts {
  const [, scheme, login = '', list = '', rest = ''] = PARTS.exec(text) ?? []
  if (scheme === undefined) throw new DatabaseUrlError(NO_URL)
  const parameters = new URLSearchParams(/\?([^#]*)/.exec(rest)?.[1])
  checkSessionAttributes(parameters.getAll('target_session_attrs'))
  if (parameters.getAll('host').some((each) => each.includes(','))) {
    throw new DatabaseUrlError('must name several hosts after the user, as in postgresql://user@a,b/name, not in host=')
  }
  if (/%2c/i.test(list)) throw new DatabaseUrlError('must separate hosts by commas, not by %2C')
  if (!list.includes(',')) return oneHost(text)
  // The part of a password before an unencoded character would look like hosts, and an error would show it.
  const isSplit = login === '' ? rest.includes('@') : /^[^?#]*@/.test(rest)
  if (isSplit) throw new DatabaseUrlError('must have a percent-encoded user and password')
  const parameter = HOST_PARAMETERS.find((name) => parameters.has(name))
  if (parameter !== undefined) {
    throw new DatabaseUrlError(`must not have the parameter ${parameter} beside several hosts`)
  }
  const names = list.split(',')
  if (names.length > MAX_HOSTS) throw new DatabaseUrlError(`must name at most ${MAX_HOSTS} hosts, not ${names.length}`)
  const hosts = names.map((name): DatabaseHost => {
    const address = parseHost(name)
    return { name, url: `${scheme}${login}${name}${rest}`, dnsName: isIP(address) === 0 ? address : undefined }
  })
  refuseTwins(names)
  if (!hosts.every(({ url }) => URL.canParse(url))) throw new DatabaseUrlError(NO_URL)
  return { hosts, label: list + /^[^?#]*/.exec(rest)?.[0] }
}

/** Accepts everything that the driver accepts. */
function oneHost(url: string): DatabaseHosts {
  const parsed = URL.parse(url)
  if (parsed === null) throw new DatabaseUrlError(NO_URL)
  const { host, hostname, pathname, searchParams } = parsed
  const name = searchParams.get('host') ?? host
  const isName = !searchParams.has('host') && DNS_NAME.test(hostname) && isIP(hostname) === 0
  return { hosts: [{ name, url, dnsName: isName ? hostname : undefined }], label: name + pathname }
}

function checkSessionAttributes(values: readonly string[]): void {
  const wrong = values.find((value) => !WRITABLE.has(value))
  if (wrong !== undefined) {
    throw new DatabaseUrlError(
      `must have target_session_attrs=read-write or primary, not "${wrong}", because the server needs a primary that takes writes`,
    )
  }
  if (values.length > 1) throw new DatabaseUrlError('must have target_session_attrs once')
}

/** Checks one host of several, and returns its name or address. */
function parseHost(name: string): string {
  if (name === '') throw new DatabaseUrlError('must not have an empty host: take the extra comma out')
  if (isIP(name) === 6) throw new DatabaseUrlError(`must have IPv6 addresses in brackets: [${name}], not ${name}`)
  const [, six, other = '', port] = /^(?:\[(.*)\]|([^:[\]]*))(?::(.*))?$/s.exec(name) ?? []
  const isHost = six === undefined ? isIP(other) === 4 || DNS_NAME.test(other) : isIP(six) === 6
  if (!isHost) throw new DatabaseUrlError(`must have DNS names or IP addresses as hosts, not "${name}"`)
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) {
    throw new DatabaseUrlError(`must have ports from 1 to 65535, not "${port}" in ${name}`)
  }
  return six ?? other
}

function refuseTwins(names: readonly string[]): void {
  const full = names.map((name) => (/:\d+$/.test(name) ? name : `${name}:${DEFAULT_PORT}`).toLowerCase())
  const twin = full.find((name, index) => full.indexOf(name) !== index)
  if (twin !== undefined) throw new DatabaseUrlError(`must name each host once, but names ${twin} twice`)
}
