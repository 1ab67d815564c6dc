/** How many PCRs a TPM of a PC has. */
export const PCR_COUNT = 24

/** The text of a PCR's value in the bank SHA-256: lower-case hexadecimal. */
export const PCR_VALUE = /^[0-9a-f]{64}$/

/** Reads the number of a PCR; undefined for every other text. */
export function readPcrNumber(text: string): number | undefined {
  return /^(?:\d|1\d|2[0-3])$/.test(text) ? Number(text) : undefined
}
