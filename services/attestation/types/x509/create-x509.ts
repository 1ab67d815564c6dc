import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AttestorType, VerifiedClaims } from '../attestor-type.ts'
import { checkMembers, invalidConfig, readTexts } from '../read-config.ts'
import { appraiseChain } from './evidence.ts'
import type { Certificate } from './path/certificate.ts'
import type { Crl } from './path/crl.ts'
import { attributesOf, COMMON_NAME, ipText, nameText } from './path/names.ts'
import { readCrls, readRoots } from './path/read-pinned.ts'

/** Configuration of an attestor of the type `x509`. */
export interface X509Config {
  readonly roots: readonly Certificate[]
  readonly crls: readonly Crl[] | undefined
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly maxPath: number | undefined
}

const MEMBERS = ['roots', 'crls', 'required_ekus', 'max_path']
const MAX_PURPOSES = 8
const MAX_PATH = 7
const OID = /^[0-2](\.(0|[1-9]\d{0,9})){1,19}$/

/** Creates the type `x509`: a certificate of the operator's own CA, whose key signs the nonce and the agent's key. */
export function createX509(): AttestorType<X509Config> {
  return {
    parseConfig(config) {
      checkMembers(config, MEMBERS)
      return {
        roots: readRoots(config, 'roots'),
        crls: readCrls(config, 'crls'),
        extendedKeyUsage: readPurposes(config),
        maxPath: readMaxPath(config),
      }
    },
    async appraise(config, evidence, context) {
      const { leaf, expiresAt } = appraiseChain(evidence, config, context)
      return { claims: claimsOf(leaf), level: 'bound', expiresAt, uses: [] }
    },
  }
}

function readPurposes(config: JsonObject): readonly string[] | undefined {
  const purposes = readTexts(config, 'required_ekus', MAX_PURPOSES)
  if (purposes?.every((purpose) => OID.test(purpose)) !== false) return purposes
  throw invalidConfig('required_ekus', 'must be a list of object identifiers, such as 1.3.6.1.5.5.7.3.2')
}

function readMaxPath(config: JsonObject): number | undefined {
  const value = Object.hasOwn(config, 'max_path') ? config['max_path'] : undefined
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_PATH) return value
  throw invalidConfig('max_path', `must be a whole number between 0 and ${MAX_PATH}`)
}

function claimsOf({ subjectName, issuerName, names, serial, der, notAfter }: Certificate): VerifiedClaims {
  const [commonName, ...others] = attributesOf(subjectName, COMMON_NAME)
  return {
    // Of several common names, some programs take the first, and some the last.
    ...(commonName !== undefined && others.length === 0 && { subject_cn: commonName }),
    subject: nameText(subjectName),
    issuer: nameText(issuerName),
    serial,
    dns_names: names.dns,
    uris: names.uris,
    emails: names.emails,
    ips: names.ips.map(ipText),
    fingerprint: sha256Text(der, 'hex'),
    not_after: Math.floor(notAfter / 1_000),
  }
}
