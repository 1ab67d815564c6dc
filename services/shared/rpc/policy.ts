import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf'
import type { LimitName } from '../limits/limits.ts'

/** Who may call: anybody, an operator with its assertion, the deployment's administrator with its own. */
export type CallerKind = 'anyone' | 'operator' | 'admin'

/** One line of policy: who may call an RPC, which rate limit it counts against, and what it is called in the audit. */
export interface Policy<Request> {
  readonly callers: readonly CallerKind[]
  /**
   * The request field that must be the calling operator's own id. Every RPC that operators call and that names an
   * operator has it, so no handler can forget the check.
   */
  readonly own?: keyof Request & string
  readonly limit: LimitName
  /** The request field by which the limit counts, beside the caller's source address. */
  readonly limitBy?: keyof Request & string
  /** Set on RPCs that change state: assertions must name the RPC and are used up. */
  readonly action?: AuditAction
}

/** Names of the changes that the audit knows. */
export type AuditAction =
  | 'operator.register'
  | 'operator.confirm'
  | 'operator.takeover-wait'
  | 'operator.release'
  | 'operator.set-policy'
  | 'operator.end-all-tokens'
  | 'operator.suspend'
  | 'operator.reinstate'
  | 'operator.lapse'
  | 'operator.recover'
  | 'operator.supersede'
  | 'operator.expire'
  | 'agent.register'
  | 'agent.approve'
  | 'agent.set-scopes'
  | 'agent.update'
  | 'agent.suspend'
  | 'agent.reactivate'
  | 'agent.revoke'
  | 'agent.expire'
  | 'token.issue'
  | 'token.revoke'
  | 'key.create'
  | 'challenge-key.create'

type Input<M> = M extends DescMethod ? MessageShape<M['input']> : never

/** A policy line for every method of a service; one missing does not compile. */
export type Policies<S extends DescService> = { readonly [M in keyof S['method']]: Policy<Input<S['method'][M]>> }
