import { ALG } from './constants.ts'
import { PCR_COUNT } from './pcrs.ts'
import { FieldReader, readWhole } from './reader.ts'

/** A quote: what a TPM says and signs about itself (TPMS_ATTEST of TPMS_QUOTE_INFO, Part 2 section 10.12). */
export interface Quote {
  /** Name of the signing key, and of the keys above it. */
  readonly qualifiedSigner: Uint8Array
  /** The data that the caller of the TPM has chosen (`qualifyingData`). */
  readonly extraData: Uint8Array
  /** 16 hexadecimal digits. */
  readonly firmwareVersion: string
  /** Numbers of the quoted PCRs in the bank SHA-256, in rising order. There is at least one. */
  readonly pcrs: readonly number[]
  /** The SHA-256 of the values of these PCRs, one after another. */
  readonly pcrDigest: Uint8Array
}

const MAGIC = 0xff_54_43_47
const TYPE_QUOTE = 0x80_18
const MAX_NAME_BYTES = 66
const MAX_DATA_BYTES = 64
const CLOCK_BYTES = 16

/**
 * Reads a TPMS_ATTEST. The caller has verified its signature.
 *
 * @throws RefusedEvidence
 */
export function readQuote(bytes: Uint8Array): Quote {
  return readWhole(new FieldReader(bytes, 'quote'), (reader) => {
    // A restricted key never signs bytes from outside that begin with this number.
    if (reader.u32() !== MAGIC) reader.refuse('must begin with the magic number of a TPM')
    if (reader.u16() !== TYPE_QUOTE) reader.refuse('must be a quote, and no other attestation of a TPM')
    const qualifiedSigner = reader.sized(MAX_NAME_BYTES)
    const extraData = reader.sized(MAX_DATA_BYTES)
    reader.bytes(CLOCK_BYTES)
    if (reader.u8() > 1) reader.refuse('must have a clock that is safe or not')
    const firmwareVersion = Buffer.from(reader.bytes(8)).toString('hex')
    const pcrs = readSelection(reader)
    return { qualifiedSigner, extraData, firmwareVersion, pcrs, pcrDigest: reader.sized(MAX_DATA_BYTES) }
  })
}

/** Reads a TPML_PCR_SELECTION. */
function readSelection(reader: FieldReader): readonly number[] {
  if (reader.u32() !== 1 || reader.u16() !== ALG.sha256) reader.refuse('must select PCRs of the bank sha256 only')
  if (reader.u8() !== PCR_COUNT / 8) reader.refuse(`must select from ${PCR_COUNT} PCRs`)
  const bits = reader.bytes(PCR_COUNT / 8)
  const pcrs = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr).filter((pcr) => isSelected(bits, pcr))
  if (pcrs.length === 0) reader.refuse('must select at least one PCR')
  return pcrs
}

function isSelected(bits: Uint8Array, pcr: number): boolean {
  return (((bits[pcr >> 3] ?? 0) >> (pcr & 7)) & 1) === 1
}
