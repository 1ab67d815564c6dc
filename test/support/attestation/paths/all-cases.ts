import { BASIC_CASES } from './basic-cases.ts'
import { BYTE_CASES } from './byte-cases.ts'
import { CRL_CASES } from './crl-cases.ts'
import { EXTENSION_CASES } from './extension-cases.ts'
import { LINK_CASES } from './link-cases.ts'
import { NAME_CASES } from './name-cases.ts'
import type { PathCase } from './path-case.ts'
import { ROOT_CASES } from './root-cases.ts'
import { SHOWN_NAME_CASES } from './shown-name-cases.ts'

/** Every path that this server and OpenSSL judge. */
export const PATH_CASES: readonly PathCase[] = [
  ...BASIC_CASES,
  ...LINK_CASES,
  ...BYTE_CASES,
  ...EXTENSION_CASES,
  ...NAME_CASES,
  ...SHOWN_NAME_CASES,
  ...CRL_CASES,
  ...ROOT_CASES,
]
