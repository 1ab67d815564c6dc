/** Attributes (PKCS#11 v3.0, CKA_*). */
export const CKA = {
  CLASS: 0x000,
  TOKEN: 0x001,
  PRIVATE: 0x002,
  LABEL: 0x003,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  WRAP: 0x106,
  UNWRAP: 0x107,
  SIGN: 0x108,
  SIGN_RECOVER: 0x109,
  VERIFY: 0x10a,
  VERIFY_RECOVER: 0x10b,
  DERIVE: 0x10c,
  MODULUS: 0x120,
  MODULUS_BITS: 0x121,
  PUBLIC_EXPONENT: 0x122,
  EXTRACTABLE: 0x162,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
} as const

/** Classes of objects (CKO_*). */
export const CKO = { PUBLIC_KEY: 2, PRIVATE_KEY: 3 } as const

/** Types of keys (CKK_*). */
export const CKK = { RSA: 0x00, EC: 0x03, EC_EDWARDS: 0x40 } as const

/** Mechanisms (CKM_*). pkcs11js implements v2.40, so it has no names for the mechanisms of Edwards curves. */
export const CKM = {
  RSA_PKCS_KEY_PAIR_GEN: 0x0000,
  SHA256_RSA_PKCS: 0x0040,
  EC_KEY_PAIR_GEN: 0x1040,
  ECDSA: 0x1041,
  EC_EDWARDS_KEY_PAIR_GEN: 0x1055,
  EDDSA: 0x1057,
} as const

/** Flags (CKF_*), each for a different call. */
export const CKF = { OS_LOCKING_OK: 0x2, RW_SESSION: 0x2, SERIAL_SESSION: 0x4, TOKEN_INITIALIZED: 0x400 } as const

/** The user who may use private keys (CKU_USER). */
export const CKU_USER = 1

/** The state of a read-write session whose user is logged in (CKS_RW_USER_FUNCTIONS). */
export const CKS_RW_USER_FUNCTIONS = 3
