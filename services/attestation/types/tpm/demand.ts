import { RefusedEvidence } from '../attestor-type.ts'

/** Throws RefusedEvidence with the message unless the demand is met. */
export function demand(isMet: boolean, message: string): asserts isMet {
  if (!isMet) throw new RefusedEvidence(message)
}
