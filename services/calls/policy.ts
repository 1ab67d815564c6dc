import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf'
import type { AuditAction } from '../ledger/audit-action.ts'
import type { LimitName } from '../platform/limits/limits.ts'

/**
 * Kinds of callers: anyone (without an assertion), an operator, or the administrator (each with its assertion). A
 * `browser` calls through a page of this server, without an assertion. No other caller can be one.
 */
export type CallerKind = 'anyone' | 'operator' | 'admin' | 'browser'

/**
 * The policy of one method, in five groups: who may call it, which rate limits count it, whether it waits for the
 * database, what is special about its body, and what it changes.
 */
export type Policy<Request> = Callers<Request> & Limits<Request> & Turns & Body<Request> & Effect

/** Which rate limits count a call. */
interface Limits<Request> {
  readonly limit: LimitName
  /** A field that makes a call costly to misuse. Calls without it also count against a stricter group. */
  readonly limitWithout?: { readonly field: keyof Request & string; readonly limit: LimitName }
  /** A request field by which calls are limited, in addition to the source address of the caller. */
  readonly limitBy?: keyof Request & string
  /** A request field for a JWT. If the field `limitBy` is empty, calls are limited by the claim `iss` of the JWT. */
  readonly limitByIssuerOf?: keyof Request & string
  /**
   * Returns how many units of its rate a call costs, by its request; without this function one. The first unit
   * decides whether the call is allowed. The others only delay later calls. A handler that knows the cost after its
   * work adds units with `charge` of the call.
   */
  cost?(request: Request): number
}

/** Why a method takes no place among the reads of its caller. Every other method without `action` takes one. */
interface Turns {
  /**
   * Tells that a call takes events from a stream, and may wait for them. Its assertion must name it, so that no
   * assertion for a read can take events away.
   */
  readonly takesEvents?: true
  /** Tells that calls are usually answered without the database. */
  readonly fromMemory?: true
}

/** What is special about the body of a request. */
interface Body<Request> {
  /**
   * A request field for a secret, such as a private key or a token, or a message with one. If a request for a change
   * has it, the audit keeps only the digest of the body.
   */
  readonly secretField?: keyof Request & string
  /** Whether the contract is that of other programs, whose newer versions send more fields that restrict nothing. */
  readonly toleratesUnknownFields?: true
}

/**
 * Properties of a method that changes state. An assertion for such a method must name the method, and can be used only
 * once. `endsTokens` tells whether the method can end issued tokens. If it can, a call returns only when every log
 * follower refuses the ended tokens. `needsBodyDigest` tells that the signature of an operator must always cover the
 * body. `urgent` tells that the method can only take authority away, or that it makes its own demands, as
 * SetOperatorKeys does. An urgent method has places of its own, and a frozen operator may call it too. `freesStorage`
 * tells that the method only deletes, so the bound on what an operator stores in a day does not refuse it.
 */
type Effect =
  | ({ readonly action: AuditAction; readonly endsTokens: boolean } & { readonly [name in Option]?: true })
  | ({ readonly action?: never; readonly endsTokens?: never } & { readonly [name in Option]?: never })

type Option = 'needsBodyDigest' | 'urgent' | 'freesStorage'

/**
 * The role that an operator's key needs for a method. `any` admits every key of the operator but those that may only
 * watch, which stand in programs that verify tokens. `watch` admits every key. `root` admits only root keys, and needs
 * as many of them as the operator's threshold. Root keys have every role.
 */
type RoleDemand = OperatorRole | 'any' | 'root'

/**
 * `own` names the request field that must contain the id of the calling operator. It is 'none' if the request names no
 * operator. `role` is the role that the operator's key needs. A policy that allows operators does not compile without
 * `own` and `role`, so no method can lack these checks.
 */
type Callers<Request> =
  | {
      readonly callers: readonly Exclude<CallerKind, 'operator'>[]
      readonly own?: never
      readonly role?: never
      readonly scopes?: never
    }
  | {
      readonly callers: readonly CallerKind[]
      readonly own: (keyof Request & string) | 'none'
      readonly role: RoleDemand
      /**
       * Scopes of access tokens. An agent of the operator may make the call with a token for this deployment that has
       * one of them. Without this list, no access token is accepted.
       */
      readonly scopes?: readonly string[]
    }

type Input<M> = M extends DescMethod ? MessageShape<M['input']> : never

/** The policies of all methods of a service. The type requires a policy for each method. */
export type Policies<S extends DescService> = { readonly [M in keyof S['method']]: Policy<Input<S['method'][M]>> }
