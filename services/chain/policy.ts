import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf'
import type { AuditAction } from '../ledger/audit-action.ts'
import type { LimitName } from '../platform/limits/limits.ts'

/** Who may call: anybody, an operator with its assertion, the deployment's administrator with its own. */
export type CallerKind = 'anyone' | 'operator' | 'admin'

/** One line of policy: who may call an RPC, which rate limit it counts against, and what it is called in the audit. */
export type Policy<Request> = Callers<Request> &
  Effect & {
    readonly limit: LimitName
    /** The request field by which the limit counts, beside the caller's source address. */
    readonly limitBy?: keyof Request & string
  }

/**
 * Set on RPCs that change state: assertions must name the RPC and are used up. `endsTokens` says whether it can end tokens
 * that have been issued; the call then returns only when every verifier refuses them.
 */
type Effect =
  | { readonly action: AuditAction; readonly endsTokens: boolean }
  | { readonly action?: never; readonly endsTokens?: never }

/**
 * `own` is the request field that must be the calling operator's own id, or 'none' where the request names no operator. A line
 * that lets operators call does not compile without it, so no handler can forget the check.
 */
type Callers<Request> =
  | { readonly callers: readonly Exclude<CallerKind, 'operator'>[]; readonly own?: never }
  | { readonly callers: readonly CallerKind[]; readonly own: (keyof Request & string) | 'none' }

type Input<M> = M extends DescMethod ? MessageShape<M['input']> : never

/** A policy line for every method of a service; one missing does not compile. */
export type Policies<S extends DescService> = { readonly [M in keyof S['method']]: Policy<Input<S['method'][M]>> }
