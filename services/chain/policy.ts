import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf'
import type { AuditAction } from '../ledger/audit-action.ts'
import type { LimitName } from '../platform/limits/limits.ts'

/** Kinds of callers: anyone (without an assertion), an operator, or the administrator (each with its assertion). */
export type CallerKind = 'anyone' | 'operator' | 'admin'

/** The policy of one method: who may call it, its rate limit, and its name in the audit. */
export type Policy<Request> = Callers<Request> &
  Effect & {
    readonly limit: LimitName
    /** A request field by which calls are limited, in addition to the source address of the caller. */
    readonly limitBy?: keyof Request & string
  }

/**
 * Properties of a method that changes state. An assertion for such a method must name the method, and can be used only
 * once. `endsTokens` tells whether the method can end issued tokens. If it can, a call returns only when every log
 * follower refuses the ended tokens. `isBodySecret` tells that the body contains a secret, such as a private key. The
 * audit then keeps only the digest of the body.
 */
type Effect =
  | { readonly action: AuditAction; readonly endsTokens: boolean; readonly isBodySecret?: true }
  | { readonly action?: never; readonly endsTokens?: never; readonly isBodySecret?: never }

/**
 * `own` names the request field that must contain the id of the calling operator. It is 'none' if the request names no
 * operator. A policy that allows operators does not compile without `own`, so no method can lack this check.
 */
type Callers<Request> =
  | { readonly callers: readonly Exclude<CallerKind, 'operator'>[]; readonly own?: never }
  | { readonly callers: readonly CallerKind[]; readonly own: (keyof Request & string) | 'none' }

type Input<M> = M extends DescMethod ? MessageShape<M['input']> : never

/** The policies of all methods of a service. The type requires a policy for each method. */
export type Policies<S extends DescService> = { readonly [M in keyof S['method']]: Policy<Input<S['method'][M]>> }
