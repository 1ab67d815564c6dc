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

/** Options of {@link createOperator}. Pass `operatorId`, or `domain`, from which the client computes the id. */
export interface OperatorOptions extends CallerOptions {
  readonly operatorId?: string | undefined
  /** The domain in lower case and A-labels. `register` needs it. */
  readonly domain?: string | undefined
}

/** Which audit records to list. A record must match all members. Times are RFC 3339. */
export interface AuditFilter {
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly outcome?: 'done' | 'refused' | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly pageSize?: number | undefined
}

/**
 * The calls that an operator can make. A call that needs an assertion gets a new one, which is valid once and for a
 * minute. The members of answers have the names of the wire format. Calls reject with Auth4AgentError.
 */
export interface Operator {
  readonly id: string
  readonly agents: OperatorAgents
  readonly verification: {
    /**
     * Resolves with the TXT record that proves the domain. Rejects if the server names a record of another operator or
     * server.
     */
    instructions(): Promise<answers.DomainInstructions>
    /** Asks the server to look for the TXT record now. */
    confirm(): Promise<answers.DomainConfirmation>
  }
  readonly policy: {
    /** Resolves with the policy. */
    get(): Promise<answers.OperatorPolicy>
    /** Replaces the whole policy. A member that is left out is reset. */
    set(policy: Partial<answers.OperatorPolicy>): Promise<answers.OperatorPolicy>
  }
  /**
   * Registers the domain and the key. Resolves with the same operator if both are registered already. Rejects with
   * TypeError if the option `domain` is missing.
   */
  register(): Promise<answers.RegisteredOperator>
  /** Resolves with the public state of the operator. */
  status(): Promise<answers.OperatorState>
  /** Ends all tokens of all agents of the operator. */
  endAllTokens(reason?: string): Promise<answers.EndedTokens>
  /** Releases the domain for good. */
  release(reason?: string): Promise<answers.ReleasedOperator>
  /** Revokes one token by its id. */
  revokeToken(jti: string, reason?: string): Promise<answers.RevokedToken>
  /** Lists audit records, newest first. Requests each page when it is needed. */
  audit(filter?: AuditFilter): AsyncGenerator<answers.AuditRecord, void, undefined>
  /**
   * Makes an assertion for another program, such as curl or grpcurl. `rpc` (`METHOD /path` or
   * `package.Service/Method`) names the one call that the assertion allows. Without `rpc`, the assertion allows only
   * calls that read.
   */
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
 * Creates a client for an operator, without a request to the server.
 *
 * Throws TypeError for an id that is not a UUID, if id and domain are both missing, for a server address that is
 * neither https nor on loopback, and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { createOperator } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const operator = createOperator({
 *   server: 'https://auth.example.com',
 *   domain: 'acme.example',
 *   key: await readKeyFile('root.key'),
 * })
 * await operator.register()
 * const { txt_record_name, txt_record_value } = await operator.verification.instructions() // publish this
 * await operator.verification.confirm()
 * ```
 */
export function createOperator(given: OperatorOptions): Operator {
  refuseUnknownNames('option', given, OPERATOR_NAMES)
  const { operatorId, domain, ...options } = given
  const caller = createCaller(options)
  const { key } = options
  const id = operatorId ?? (domain && idOf({ issuer: caller.issuer, domain, thumbprint: thumbprint(key.publicKey) }))
  if (id === undefined || !isUuid(id)) throw new TypeError('Pass domain, or operatorId, which must be a UUID')
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
      if (domain === undefined) throw new TypeError('register() needs the option domain')
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
