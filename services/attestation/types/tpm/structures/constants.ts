/** Constants of the TPM 2.0 Library, Part 2. */

/** Ids of algorithms (section 6.3). */
export const ALG = {
  rsa: 0x0001,
  aes: 0x0006,
  sha256: 0x000b,
  null: 0x0010,
  rsassa: 0x0014,
  rsapss: 0x0016,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const

/** The curve NIST P-256 (section 6.4). */
export const CURVE_P256 = 0x0003

/** Attributes of an object (section 8.3). */
export const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  stClear: 1 << 2,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDictionaryAttack: 1 << 10,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const

/** The handle of the endorsement hierarchy (section 7.4). */
export const ENDORSEMENT_HIERARCHY = Uint8Array.of(0x40, 0x00, 0x00, 0x0b)
