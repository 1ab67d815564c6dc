import { DOMAIN, DPOP_KEY, NOW_S, OPERATOR_ID, OTHER_DOMAIN } from './parties.ts'
import { changed, JTI, type TokenCase } from './token-case.ts'

/** Six minutes before the verifier's clock. */
const AT = NOW_S - 300
const RESULT = { attestor: 'boot', type: 'tpm', level: 'bound', at: AT }
const OTHER = { attestor: 'ci', type: 'github-actions', level: 'bearer', at: NOW_S }

const one = (edits: object) => [{ ...RESULT, ...edits }]

const MALFORMED: Readonly<Record<string, unknown>> = {
  'attestation that is null': null,
  'attestation that is an object': RESULT,
  'attestation that is empty': [],
  'attestation of 9 results': Array.from({ length: 9 }, () => RESULT),
  'attestation with a string': ['tpm'],
  'attestation with another member': one({ claims: {} }),
  'attestation without an attestor': one({ attestor: undefined }),
  'attestation with an empty attestor': one({ attestor: '' }),
  'attestation with an attestor of 65 characters': one({ attestor: 'a'.repeat(65) }),
  'attestation with an attestor that ends with a line feed': one({ attestor: 'boot\n' }),
  'attestation with an attestor that has a letter beyond ASCII': one({ attestor: 'bööt' }),
  'attestation without a type': one({ type: undefined }),
  'attestation with a type that is a number': one({ type: 1 }),
  'attestation with a type with a space': one({ type: 'a b' }),
  'attestation without a level': one({ level: undefined }),
  'attestation with an unknown level': one({ level: 'quantum' }),
  'attestation with a level in another case': one({ level: 'Bound' }),
  'attestation without at': one({ at: undefined }),
  'attestation with at after iat': one({ at: NOW_S + 1 }),
  'attestation with at of 0': one({ at: 0 }),
  'attestation with at with a fraction': one({ at: AT + 0.5 }),
  'attestation with at that is a string': one({ at: String(AT) }),
  'attestation with at that is a boolean': one({ at: true }),
  'attestation whose second result is malformed': [RESULT, { ...OTHER, level: '' }],
}

type Inputs = Parameters<typeof changed>[3]

const stated = (name: string, expect: string, verifier?: Inputs, claims: object = {}) =>
  changed(name, expect, { claims: { attestation: [RESULT, OTHER], ...claims } }, verifier)
const demanded = (name: string, expect: string, attestation: object) => stated(name, expect, { attestation })

/** Makes tokens that state results of attestation, malformed results, and verifiers that demand a result. */
export async function attestationCases(): Promise<TokenCase[]> {
  const revocations = [{ kind: 'token', operator_id: OPERATOR_ID, subject: JTI, minimum_epoch: 0 }]
  const hardware = { attestation: { level: 'hardware' } }
  const longest = { attestor: 'a'.repeat(64), type: 'Z_9-'.repeat(16), at: NOW_S }
  return Promise.all([
    stated('a token that states results of attestation', 'VALID'),
    stated('8 results, with the longest names, of the second of issue', 'VALID', undefined, {
      attestation: Array.from({ length: 8 }, () => ({ ...RESULT, ...longest })),
    }),
    ...Object.entries(MALFORMED).map(([name, attestation]) =>
      changed(name, 'MALFORMED_TOKEN', { claims: { attestation } }),
    ),
    changed('a result is demanded, and the token states none', 'ATTESTATION_REQUIRED', {}, { attestation: {} }),
    demanded('a result of any kind is demanded', 'VALID', {}),
    demanded('one of several types is demanded', 'VALID', { types: ['x509', 'tpm'] }),
    demanded('another type is demanded', 'ATTESTATION_REQUIRED', { types: ['x509'] }),
    demanded('the beginning of a type is demanded', 'ATTESTATION_REQUIRED', { types: ['github'] }),
    demanded('one of several attestors is demanded', 'VALID', { attestors: ['ci', 'cd'] }),
    demanded('another attestor is demanded', 'ATTESTATION_REQUIRED', { attestors: ['cd'] }),
    demanded('a weaker level is demanded', 'VALID', { types: ['tpm'], level: 'bearer' }),
    demanded('the level is demanded', 'VALID', { level: 'bound' }),
    demanded('a stronger level is demanded', 'ATTESTATION_REQUIRED', hardware.attestation),
    demanded('the age is demanded', 'VALID', { types: ['tpm'], max_age: 360 }),
    demanded('a younger age is demanded, without clock skew', 'ATTESTATION_REQUIRED', { types: ['tpm'], max_age: 359 }),
    demanded('no single result meets the whole demand', 'ATTESTATION_REQUIRED', { types: ['tpm'], attestors: ['ci'] }),
    demanded('one result meets the whole demand', 'VALID', {
      types: ['tpm'],
      attestors: ['boot'],
      level: 'bound',
      max_age: 600,
    }),
    stated('the operator before attestation', 'OPERATOR_NOT_TRUSTED', { ...hardware, operators: [OTHER_DOMAIN] }),
    stated('the scope before attestation', 'SCOPE_MISSING', { ...hardware, operators: [DOMAIN], scope: 'x' }),
    stated('attestation before the binding', 'ATTESTATION_REQUIRED', hardware, { cnf: { jkt: DPOP_KEY.jkt } }),
    stated('attestation before revocation', 'ATTESTATION_REQUIRED', { ...hardware, revocations }),
  ])
}
