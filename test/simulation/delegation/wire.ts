import type { Constraint } from '@auth4agent/core/delegation/constraint'

/** The arguments of a capability as a grant writes them. */
export type WireArguments = Readonly<Record<string, Constraint & { optional?: boolean }>>

/** The member `tools` of a grant. */
export type Tools = Readonly<Record<string, WireArguments>>

/** The arguments of a call; undefined if they are not known. */
export type CallArguments = Readonly<Record<string, unknown>> | undefined
