import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { operatorId as idOf } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer, readAnswers } from './answers.ts'
import { CALLER_NAMES, type CallerOptions, createCaller } from './caller.ts'
import { checkInstructions } from './check-instructions.ts'
import { type OperatorAgents, operatorAgents } from './operator-agents.ts'
import * as answers from './operator-answers.ts'
import { items, queryOf } from './pages.ts'

/** An operator as its owner reaches it: by its id, or by the domain from which the id follows. */
export interface OperatorOptions extends CallerOptions {
  readonly operatorId?: string | undefined
  /** In lower case and A-labels. Needed to register. */
  readonly domain?: string | undefined
}

/** Which audit records to list; all must match. Times are RFC 3339. */
export interface AuditFilter {
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly outcome?: 'done' | 'refused' | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly pageSize?: number | undefined
}

/**
 * Everything that an operator can do. Each call carries an assertion made for it, good for a minute and once. Answers have the names
 * that they have on the wire. Calls reject with Auth4AgentError.
 */
export interface Operator {
  readonly id: string
  readonly agents: OperatorAgents
  readonly verification: {
    /** The TXT record that proves the domain. Rejects where the server wants one published that is not of this operator. */
    instructions(): Promise<answers.DomainInstructions>
    /** Has the record looked for now. */
    confirm(): Promise<answers.DomainConfirmation>
  }
  readonly policy: {
    get(): Promise<answers.OperatorPolicy>
    /** Replaces the policy as a whole: what is left out is reset. */
    set(policy: Partial<answers.OperatorPolicy>): Promise<answers.OperatorPolicy>
  }
  /** Registers domain and key; again answers the same operator. Throws TypeError without a domain. */
  register(): Promise<answers.RegisteredOperator>
  status(): Promise<answers.OperatorState>
  /** Ends every token of all the operator's agents. */
  endAllTokens(reason?: string): Promise<answers.EndedTokens>
  /** Gives the domain up for good. */
  release(reason?: string): Promise<answers.ReleasedOperator>
  /** Revokes one token by its id. */
  revokeToken(jti: string, reason?: string): Promise<answers.RevokedToken>
  /** What was done and refused, newest first; pages are asked for as they are reached. */
  audit(filter?: AuditFilter): AsyncGenerator<answers.AuditRecord, void, undefined>
  /** An assertion for other programs, such as curl and grpcurl: for the call that `rpc` names, or for reading alone. */
  assert(rpc?: string): Promise<string>
}

const OPERATOR_NAMES: Names<OperatorOptions> = { ...CALLER_NAMES, operatorId: true, domain: true }
const AUDIT_NAMES: Names<AuditFilter> = {
  action: true,
  subject: true,
  outcome: true,
  since: true,
  until: true,
  pageSize: true,
}

/**
 * An operator on a server. Throws TypeError for an id that is none, without id and domain, for a server's address that is not safe, and
 * for unknown options.
 */
export function createOperator(given: OperatorOptions): Operator {
  refuseUnknownNames('option', given, OPERATOR_NAMES)
  const { operatorId, domain, ...options } = given
  const caller = createCaller(options)
  const { key } = options
  const id = operatorId ?? (domain && idOf({ issuer: caller.issuer, domain, thumbprint: thumbprint(key.publicKey) }))
  if (id === undefined || !isUuid(id)) throw new TypeError('an operator has a domain, or an id that is a UUID')
  const base = `/v1/operators/${id}`
  const read = (path: string) => caller.call(id, { method: 'GET', path: base + path })
  const change = (path: string, body: object) => caller.call(id, { method: 'POST', path: base + path, body })
  return {
    id,
    agents: operatorAgents(caller, id),
    verification: {
      instructions: async () => {
        const call = { method: 'GET', path: `/v1/operators/verify/${id}` }
        const told = readAnswer(answers.instructions, await caller.open(call))
        checkInstructions(told, { issuer: caller.issuer, id, publicKey: key.publicKey })
        return told
      },
      confirm: async () =>
        readAnswer(answers.confirmation, await caller.open({ method: 'POST', path: `/v1/operators/verify/${id}` })),
    },
    policy: {
      get: async () => readPolicy(await read('/policy')),
      set: async (policy) => readPolicy(await caller.call(id, { method: 'PUT', path: `${base}/policy`, body: policy })),
    },
    register: async () => {
      if (domain === undefined) throw new TypeError('registering needs the domain')
      const body = { domain, root_public_key: encodeBase64(key.publicKey) }
      return readAnswer(answers.registeredOperator, await caller.open({ method: 'POST', path: '/v1/operators', body }))
    },
    status: async () => readAnswer(answers.operatorState, await caller.open({ method: 'GET', path: base })),
    endAllTokens: async (reason) => readAnswer(answers.ended, await change('/end-all-tokens', { reason })),
    release: async (reason) => readAnswer(answers.released, await change('/release', { reason })),
    revokeToken: async (jti, reason) => {
      const call = { method: 'POST', path: '/v1/revoke/token', body: { jti, reason } }
      return readAnswer(answers.revokedToken, await caller.call(id, call))
    },
    audit: (wanted = {}) => {
      refuseUnknownNames('filter', wanted, AUDIT_NAMES)
      const { pageSize, ...filter } = wanted
      const query = queryOf({ ...filter, page_size: pageSize })
      return items(caller, id, answers.auditRecord, { method: 'GET', path: `${base}/audit`, query })
    },
    assert: (rpc) => caller.assert(id, rpc),
  }
}

function readPolicy(value: unknown): answers.OperatorPolicy {
  const { audiences, require_bound_challenges } = readAnswer(answers.policy, value)
  return { audiences: readAnswers(answers.audienceRule, audiences), require_bound_challenges }
}
