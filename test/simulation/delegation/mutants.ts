import type { Edit } from '../revocation/mutated-source.ts'
import { ORDER_MUTANTS } from './order-mutants.ts'
import { PARSE_MUTANTS } from './parse-mutants.ts'
import { PERMIT_MUTANTS } from './permit-mutants.ts'

/** A version of core with one rule broken. */
export interface Mutant extends Edit {
  readonly what: string
  /** Why random chains cannot show the broken rule. Undefined if they must show it. */
  readonly unseen?: string
}

/** At least one mutant for each rule. */
export const MUTANTS: readonly Mutant[] = [...ORDER_MUTANTS, ...PERMIT_MUTANTS, ...PARSE_MUTANTS]
