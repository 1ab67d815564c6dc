import { isIP, isIPv6 } from 'node:net'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { admitPublicKey } from '@auth4agent/core/keys/ed25519'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isEntityId } from '../federation/domain/entity-id.ts'
import { parseNatsUrl } from '../platform/bus/nats-url.ts'
import { DatabaseUrlError, parseDatabaseUrl } from '../platform/db/database-url.ts'
import { type Parse, readWholeNumber, SettingError } from './read-env.ts'

/**
 * Length limit of an issuer. It equals the limit of an audience, because the issuer is the audience of a token that is
 * requested without an audience.
 */
const MAX_ISSUER = 255
const MAX_WORKERS = 64

/**
 * Parses an issuer: an http or https origin, optionally with a path. The server never normalises an issuer, so its
 * text must be canonical.
 */
export const baseUrl: Parse<string> = (value) => {
  const isCanonical = parseNormalUrl(value) !== undefined && value.length <= MAX_ISSUER
  if (!isCanonical || !/^https?:\/\/[^/?]+(?:\/[A-Za-z0-9._~-]+)*$/.test(value)) {
    throw new SettingError(
      'must be an http or https URL in lower case, without trailing slash, query, user or characters that need encoding',
    )
  }
  return value
}

/** Parses an address to listen on. */
export const host: Parse<string> = (value) => {
  if (isIP(value) === 0 && value !== 'localhost') throw new SettingError('must be an IP address or localhost')
  return value
}

/** Parses the identifier of an entity of a federation. */
export const entityId: Parse<string> = (value) => {
  if (!isEntityId(value)) {
    throw new SettingError('must be https URLs in their normal form, without query and fragment, separated by commas')
  }
  return value
}

/** Checks the URL of PostgreSQL and returns it unchanged. */
export const databaseUrl: Parse<string> = (value) => {
  try {
    parseDatabaseUrl(value)
  } catch (error) {
    if (error instanceof DatabaseUrlError) throw new SettingError(error.message)
    throw error
  }
  return value
}

/** Parses the number of workers. `auto` means one worker for each processor that this program may use. */
export const workerCount: Parse<number> = (value) => {
  if (value === 'auto') return Math.min(availableParallelism(), MAX_WORKERS)
  const count = /^\d{1,2}$/.test(value) ? Number(value) : 0
  if (count < 1 || count > MAX_WORKERS) {
    throw new SettingError(`must be a whole number from 1 to ${MAX_WORKERS}, or auto`)
  }
  return count
}

/** Parses a key of 32 bytes in base64. */
export const secretKey: Parse<Uint8Array> = (value) => {
  const bytes = decodeBase64(value)
  if (bytes?.length !== 32) throw new SettingError('must be 32 bytes in base64; make one with: openssl rand -base64 32')
  return bytes
}

/** Parses one entry of a list of keys: 32 bytes in base64. */
export const secretKeyEntry: Parse<Uint8Array> = (value) => {
  const bytes = decodeBase64(value)
  if (bytes?.length !== 32) throw new SettingError('must be keys of 32 bytes in base64, separated by commas')
  return bytes
}

/** Parses one entry of a list of paths. */
export const pathEntry: Parse<string> = (value) => {
  if (value === '') throw new SettingError('must be paths, separated by commas')
  return value
}

/** Length limit of a hardware token's label (CK_TOKEN_INFO of PKCS #11), in bytes. */
const MAX_TOKEN_LABEL = 32

/** Parses the label of a hardware token. */
export const tokenLabel: Parse<string> = (value) => {
  if (Buffer.byteLength(value) > MAX_TOKEN_LABEL)
    throw new SettingError(`must be the label of a hardware token, at most ${MAX_TOKEN_LABEL} bytes`)
  return value
}

/** Parses a raw Ed25519 public key in base64. Refuses keys that are not safe for verification. */
export const publicKey: Parse<Uint8Array> = (value) => {
  const bytes = decodeBase64(value)
  if (bytes === undefined || !admitPublicKey(bytes).ok)
    throw new SettingError('must be a raw Ed25519 public key in base64')
  return bytes
}

/** Parses the address of a DNS server, with an optional port. Returns `address:port`. */
export const hostAndPort: Parse<string> = (value) => {
  const { address, portText } = splitPort(value)
  const number = portText === undefined ? 53 : readPort(portText)
  if (address === undefined || isIP(address) === 0 || number === undefined)
    throw new SettingError('must be IP addresses with optional ports: 1.1.1.1, [2606:4700::1111]:53')
  return isIPv6(address) ? `[${address}]:${number}` : `${address}:${number}`
}

function splitPort(value: string): { address?: string | undefined; portText?: string | undefined } {
  if (isIPv6(value)) return { address: value }
  const [, six, four, portText] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(value) ?? []
  return { address: six ?? four, portText }
}

function readPort(text: string): number | undefined {
  return readWholeNumber(text, 1, 65_535)
}

/** Parses an IP address or a range in CIDR notation. */
export const addressRange: Parse<string> = (value) => {
  const [address, bits, extra] = value.split('/')
  const max = isIP(address ?? '') === 6 ? 128 : 32
  const hasWrongBits = bits !== undefined && readWholeNumber(bits, 0, max) === undefined
  if (address === undefined || isIP(address) === 0 || hasWrongBits || extra !== undefined)
    throw new SettingError('must be IP addresses or CIDR ranges, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32')
  return value
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

/** Parses the address of another process of the deployment: `host:port` or `unix:/path`. */
export const peerAddress: Parse<string> = (value) => {
  const problem = new SettingError('must be host:port or unix:/path, separated by commas')
  if (value.startsWith('unix:')) {
    const path = value.slice('unix:'.length)
    if (!path.startsWith('/')) throw problem
    return `unix:${socketPath(path)}`
  }
  const { address = '', portText } = splitPort(value)
  const number = readPort(portText ?? '')
  if (number === undefined || (isIP(address) === 0 && !HOST_NAME.test(address))) throw problem
  return isIPv6(address) ? `[${address}]:${number}` : `${address}:${number}`
}

/** Length of the longest socket path that every system supports, in bytes. */
const MAX_SOCKET_PATH = 103

/** Parses the path of a unix socket and makes it absolute. */
export const socketPath: Parse<string> = (value) => {
  const path = resolve(value)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH || path.includes(','))
    throw new SettingError(`must be a path of at most ${MAX_SOCKET_PATH} bytes without a comma`)
  return path
}

/** Checks the URL of a NATS server and returns it unchanged. */
export const natsServer: Parse<string> = (value) => {
  if (parseNatsUrl(value) === undefined) {
    throw new SettingError('must be nats://host:port or tls://host:port, separated by commas')
  }
  return value
}
