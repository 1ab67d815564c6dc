import { createHash } from 'node:crypto'

/** An event of a log. The digest is that of the data if it is not given. */
export interface LogEvent {
  readonly pcr: number
  readonly type: number
  readonly data: Uint8Array
  readonly digest?: Uint8Array
  /** Ids of the algorithms of the digests. */
  readonly algorithms?: readonly number[]
}

/** What the header of a log says. */
export interface LogHeader {
  readonly pcr: number
  readonly type: number
  readonly signature: string
  readonly algorithms: readonly (readonly [id: number, size: number])[]
  readonly end: Uint8Array
}

export const EV_NO_ACTION = 3
const EV_SEPARATOR = 4
const EV_EFI_VARIABLE_DRIVER_CONFIG = 0x8000_0001
const SHA1 = 4
const SHA256 = 0x0b
const HASHES: Readonly<Record<number, string>> = { [SHA1]: 'sha1', [SHA256]: 'sha256' }
const HEADER: LogHeader = {
  pcr: 0,
  type: EV_NO_ACTION,
  signature: 'Spec ID Event03\0',
  algorithms: [
    [SHA1, 20],
    [SHA256, 32],
  ],
  end: Buffer.alloc(0),
}

/** Writes a log in the crypto-agile format (TCG PC Client Platform Firmware Profile, section 10). */
export function eventLog(events: readonly LogEvent[], header: Partial<LogHeader> = {}): Buffer {
  const { pcr, type, signature, algorithms, end } = { ...HEADER, ...header }
  const list = algorithms.map(([id, size]) => Buffer.concat([le16(id), le16(size)]))
  const versions = Buffer.from([0, 0, 0, 0, 0, 2, 0, 2])
  const head = Buffer.concat([Buffer.from(signature), versions, le32(list.length), ...list, Buffer.from([0]), end])
  return Buffer.concat([le32(pcr), le32(type), Buffer.alloc(20), le32(head.length), head, ...events.map(eventBytes)])
}

function eventBytes({ pcr, type, data, digest, algorithms = [SHA1, SHA256] }: LogEvent): Buffer {
  const digests = algorithms.map((id) => {
    const hash = createHash(HASHES[id] ?? 'sha384')
      .update(data)
      .digest()
    return Buffer.concat([le16(id), id === SHA256 ? (digest ?? hash) : hash])
  })
  return Buffer.concat([le32(pcr), le32(type), le32(digests.length), ...digests, le32(data.length), data])
}

/** The digest of an event in the bank SHA-256. */
export function digestOf({ data, digest }: LogEvent): Uint8Array {
  return digest ?? createHash('sha256').update(data).digest()
}

/** The event in which firmware says whether Secure Boot is on. */
export function secureBootEvent(isOn: boolean): LogEvent {
  const guid = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex')
  const lengths = Buffer.concat([le32(10), le32(0), le32(1), le32(0)])
  const data = Buffer.concat([guid, lengths, Buffer.from('SecureBoot', 'utf16le'), Buffer.from([isOn ? 1 : 0])])
  return { pcr: 7, type: EV_EFI_VARIABLE_DRIVER_CONFIG, data }
}

export function separator(pcr: number): LogEvent {
  return { pcr, type: EV_SEPARATOR, data: Buffer.alloc(4) }
}

/** The event in which firmware says from which locality it has started the TPM. */
export function localityEvent(locality: number): LogEvent {
  const data = Buffer.concat([Buffer.from('StartupLocality\0'), Buffer.from([locality])])
  return { pcr: 0, type: EV_NO_ACTION, data, digest: Buffer.alloc(32) }
}

function le16(value: number): Buffer {
  return Buffer.from([value & 0xff, value >> 8])
}

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
