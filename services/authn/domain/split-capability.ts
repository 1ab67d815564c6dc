import type { Capabilities } from '@auth4agent/core/delegation/constraint'

/** Splits a capability at its first `#`. No audience contains that character. */
export function splitCapability(capability: string): { readonly audience: string; readonly scope: string } {
  const at = capability.indexOf('#')
  return { audience: capability.slice(0, at), scope: capability.slice(at + 1) }
}

/** Returns the audiences of capabilities, each once. */
export function audiencesOf(capabilities: Capabilities): readonly string[] {
  return [...new Set(Array.from(capabilities.keys(), (capability) => splitCapability(capability).audience))]
}
