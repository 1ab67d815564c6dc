import { ALG } from './structures/constants.ts'
import { sha256 } from './structures/digest.ts'
import { FieldReader } from './structures/reader.ts'

/** What the events of a log give. */
export interface Replay {
  /** Returns the value that a PCR has after all events of the log. */
  readonly valueOf: (pcr: number) => Uint8Array
  /** Whether UEFI Secure Boot was on, by the first event of PCR 7; undefined if that event says something else. */
  readonly secureBoot: boolean | undefined
}

interface Event {
  readonly pcr: number
  readonly type: number
  /** The digest of the bank SHA-256. */
  readonly digest: Uint8Array
  readonly data: Uint8Array
}

const EV_NO_ACTION = 3
const HEADER = Buffer.from('Spec ID Event03\0')
const STARTUP_LOCALITY = Buffer.from('StartupLocality\0')
const LOCALITIES = [0, 3, 4]
const MAX_ALGORITHMS = 8
const SHA1_BYTES = 20
const SHA256_BYTES = 32
/** The PCRs that a dynamic launch resets; before it all their bits are one. */
const DYNAMIC = { first: 17, last: 22 }
const SECURE_BOOT_PCR = 7
/** 8be4df61-93ca-11d2-aa0d-00e098032b8c, as UEFI stores it. */
const EFI_GLOBAL_VARIABLE = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex')

/**
 * Replays a log in the crypto-agile format (TCG PC Client Platform Firmware Profile, section 10). The log is not
 * signed: it counts only if its values are the quoted ones.
 *
 * @throws RefusedEvidence
 */
export function replayEventLog(log: Uint8Array): Replay {
  const reader = new FieldReader(log, 'event_log', true)
  const sizes = readHeader(reader)
  const values = new Map<number, Uint8Array>()
  const firsts = new Map<number, Uint8Array>()
  const valueOf = (pcr: number) => values.get(pcr) ?? initialValue(pcr)
  while (reader.left > 0) {
    const { pcr, type, digest, data } = readEvent(reader, sizes)
    if (type === EV_NO_ACTION) {
      const locality = pcr === 0 ? readLocality(reader, data) : undefined
      if (locality === undefined) continue
      if (values.has(0)) reader.refuse('must have at most one event StartupLocality, before other events of PCR 0')
      values.set(0, initialValue(0, locality))
    } else {
      if (!firsts.has(pcr)) firsts.set(pcr, digest)
      values.set(pcr, sha256(valueOf(pcr), digest))
    }
  }
  return { valueOf, secureBoot: readSecureBoot(firsts.get(SECURE_BOOT_PCR)) }
}

function initialValue(pcr: number, locality = 0): Uint8Array {
  const value = new Uint8Array(SHA256_BYTES)
  if (pcr >= DYNAMIC.first && pcr <= DYNAMIC.last) return value.fill(0xff)
  value[SHA256_BYTES - 1] = locality
  return value
}

/** Reads the first event, which has the older format and lists the size of the digests of each algorithm. */
function readHeader(reader: FieldReader): ReadonlyMap<number, number> {
  const [pcr, type] = [reader.u32(), reader.u32()]
  reader.bytes(SHA1_BYTES)
  const event = new FieldReader(reader.bytes(reader.u32()), 'event_log', true)
  const isHeader = pcr === 0 && type === EV_NO_ACTION && HEADER.equals(event.bytes(HEADER.length))
  if (!isHeader) reader.refuse('must begin with the event "Spec ID Event03"')
  // Platform class, versions, errata and the size of an integer.
  event.bytes(8)
  const count = event.u32()
  if (count > MAX_ALGORITHMS) reader.refuse(`must have at most ${MAX_ALGORITHMS} algorithms`)
  const sizes = new Map(Array.from({ length: count }, () => [event.u16(), event.u16()] as const))
  if (sizes.size !== count || sizes.get(ALG.sha256) !== SHA256_BYTES) {
    reader.refuse('must list different algorithms, and SHA-256 among them')
  }
  event.bytes(event.u8())
  if (event.left > 0) reader.refuse('must have a header without bytes after its end')
  return sizes
}

/** Reads an event (TCG_PCR_EVENT2). */
function readEvent(reader: FieldReader, sizes: ReadonlyMap<number, number>): Event {
  const [pcr, type, count] = [reader.u32(), reader.u32(), reader.u32()]
  if (count > sizes.size) reader.refuse('must not have more digests in an event than algorithms')
  const digests = new Map<number, Uint8Array>()
  for (let read = 0; read < count; read += 1) {
    const algorithm = reader.u16()
    const size = sizes.get(algorithm)
    if (size === undefined || digests.has(algorithm)) {
      return reader.refuse('must have one digest of each algorithm that its header lists')
    }
    digests.set(algorithm, reader.bytes(size))
  }
  const digest = digests.get(ALG.sha256) ?? reader.refuse('must have a SHA-256 digest in each event')
  return { pcr, type, digest, data: reader.bytes(reader.u32()) }
}

/** Reads from which locality the TPM was started, which is in the first value of PCR 0; undefined in other events. */
function readLocality(reader: FieldReader, data: Uint8Array): number | undefined {
  if (!STARTUP_LOCALITY.equals(data.subarray(0, STARTUP_LOCALITY.length))) return undefined
  const locality = data[STARTUP_LOCALITY.length]
  if (data.length === STARTUP_LOCALITY.length + 1 && locality !== undefined && LOCALITIES.includes(locality)) {
    return locality
  }
  return reader.refuse(`must have a startup locality of ${LOCALITIES.join(', ')}`)
}

/**
 * Firmware measures the variable SecureBoot as the first event of PCR 7. Later events prove nothing, because every
 * program that runs can add them, and the type of an event is not part of its digest.
 */
function readSecureBoot(digest: Uint8Array | undefined): boolean | undefined {
  return [true, false].find((isOn) => digest !== undefined && secureBootDigest(isOn).equals(digest))
}

/** Returns the digest of the variable SecureBoot (UEFI_VARIABLE_DATA) with one byte of data. */
function secureBootDigest(isOn: boolean): Buffer {
  const name = Buffer.from('SecureBoot', 'utf16le')
  const lengths = Buffer.alloc(16)
  lengths.writeBigUInt64LE(BigInt(name.length / 2), 0)
  lengths.writeBigUInt64LE(1n, 8)
  return sha256(EFI_GLOBAL_VARIABLE, lengths, name, Uint8Array.of(isOn ? 1 : 0))
}
