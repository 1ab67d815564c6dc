import { compareCapabilities, isNarrower } from '@auth4agent/core/delegation/order'
import { formatCapabilities, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { admits, checkArguments, checkCall } from '@auth4agent/core/delegation/permits'

/** The functions of core that decide what a grant allows. Tests run them with one rule broken, too. */
export const CORE = {
  admits,
  checkArguments,
  checkCall,
  compareCapabilities,
  formatCapabilities,
  isNarrower,
  parseCapabilities,
}
export type Library = typeof CORE
