import { readArguments } from '@auth4agent/core/delegation/call-arguments'
import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { compareCapabilities, isNarrower } from '@auth4agent/core/delegation/order'
import { formatCapabilities, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { admits, checkCall } from '@auth4agent/core/delegation/permits'
import type { ChainRefusal } from '@auth4agent/core/delegation/refusal'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'

/** The functions of core that decide what a grant allows. Tests run them with one rule broken, too. */
export const CORE = {
  admits,
  checkCall,
  compareCapabilities,
  formatCapabilities,
  isNarrower,
  parseCapabilities,
  readArguments,
}
export type Library = typeof CORE

/** Reads the arguments of a call, and checks the call against every grant of a chain. */
export function checkWith(
  library: Library,
  hops: readonly Capabilities[],
  capability: string,
  args: JsonObject | undefined,
): ChainRefusal | undefined {
  const read = library.readArguments(args)
  return read.ok ? library.checkCall(hops, capability, read.args) : read
}
