import { ATTESTOR_TYPES, type AttestorTypeName } from './attestor-type.ts'

const NAMES: ReadonlySet<string> = new Set(ATTESTOR_TYPES)

/** Returns whether a text names a type of attestors. */
export function isAttestorType(text: string): text is AttestorTypeName {
  return NAMES.has(text)
}
