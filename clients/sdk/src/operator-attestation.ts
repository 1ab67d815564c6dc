import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer, readAnswers, type Shape } from './answers.ts'
import { type AttestationResult, readResults } from './attestation/attestation-answers.ts'
import * as answers from './attestation/policy-answers.ts'
import type { Caller } from './caller.ts'
import { queryOf } from './pages.ts'

/** An attestor to put. */
export interface NewAttestor {
  /** Such as `kubernetes`, `oidc`, `x509`, `tpm` or `join-token`. */
  readonly type: string
  /** The trust roots and conditions of the type. */
  readonly config: JsonObject
  /** How long a result counts at most, in seconds; by default 3600. */
  readonly resultTtl?: number | undefined
  /** Whether results under the earlier configuration stay. */
  readonly keepResults?: boolean | undefined
}

/** A rule to put or to try. Members that are left out have their defaults. */
export type NewEnrolmentRule = Partial<answers.EnrolmentRule>
/** A requirement to put. Members that are left out have their defaults. */
export type NewAttestationRequirement = Partial<answers.AttestationRequirement>

/** Evidence to try, and how. */
export interface TriedAttestation {
  /** The evidence of each attestor, in the form of its type. */
  readonly evidence: readonly { readonly attestor: string; readonly evidence: Uint8Array }[]
  /** The raw public key of the agent, 32 bytes, if the evidence is bound to one. */
  readonly publicKey?: Uint8Array | undefined
  /** The nonce that the evidence answers. */
  readonly nonce?: string | undefined
  /** Rules that are tried instead of the rules in force. */
  readonly rules?: readonly NewEnrolmentRule[] | undefined
}

/**
 * The calls with which an operator says which evidence counts (attestors), which agents enrol themselves with it
 * (rules), and which tokens need it (requirements).
 *
 * @example
 *
 * ```ts
 * await operator.attestation.putAttestor('ci', { type: 'github-actions', config: { repository: 'acme/deploy' } })
 * await operator.attestation.putRule('deploy', {
 *   all_of: ['ci'],
 *   when: 'claims.ci.ref == "refs/heads/main"',
 *   scopes: ['deploy'],
 *   max_agents: 100,
 * })
 * ```
 */
export interface OperatorAttestation {
  /** Creates an attestor, or replaces it. The results of a replaced attestor go, unless the call keeps them. */
  putAttestor(name: string, attestor: NewAttestor): Promise<answers.Attestor>
  /** Lists the attestors by name. */
  attestors(): Promise<readonly answers.Attestor[]>
  /** Deletes an attestor, its results and its join tokens. Resolves with the number of results. */
  deleteAttestor(name: string): Promise<number>
  /** Creates a join token of an attestor. Its secret is shown only here. `ttl` is in seconds. */
  createJoinToken(
    attestor: string,
    token: { readonly label: string; readonly ttl?: number | undefined },
  ): Promise<{ readonly secret: string; readonly token: answers.JoinToken }>
  /** Lists the join tokens of an attestor that have not expired. */
  joinTokens(attestor: string): Promise<readonly answers.JoinToken[]>
  /** Deletes a join token. An agent that has enrolled with it stays. */
  deleteJoinToken(attestor: string, id: string): Promise<void>
  /** Creates an enrolment rule, or replaces it. The tokens of agents that the replaced rule has enrolled end. */
  putRule(name: string, rule: NewEnrolmentRule): Promise<answers.EnrolmentRule>
  /** Lists the enrolment rules by name. */
  rules(): Promise<readonly answers.EnrolmentRule[]>
  /** Deletes an enrolment rule. The agents that it has enrolled lose their tokens, and get no new ones. */
  deleteRule(name: string): Promise<void>
  /** Creates a requirement, or replaces it. */
  putRequirement(name: string, requirement: NewAttestationRequirement): Promise<answers.AttestationRequirement>
  /** Lists the requirements by name. */
  requirements(): Promise<readonly answers.AttestationRequirement[]>
  /** Deletes a requirement. */
  deleteRequirement(name: string): Promise<void>
  /** Tells what evidence would give. It changes nothing, and uses nothing up. */
  tryRules(attestation: TriedAttestation): Promise<answers.DryRun>
  /** Lists the results of an agent, which its id or DID names. */
  results(agent: string): Promise<readonly AttestationResult[]>
  /** Removes the results of an agent, and ends its tokens. Resolves with the number of results. */
  removeResults(agent: string, reason?: string): Promise<number>
}

const ATTESTOR_NAMES: Names<NewAttestor> = { type: true, config: true, resultTtl: true, keepResults: true }
const TRIED_NAMES: Names<TriedAttestation> = { evidence: true, publicKey: true, nonce: true, rules: true }
const ATTESTOR_NAME = /^[a-z][a-z0-9_]{0,62}$/
const RULE_NAME = /^[a-z0-9-]{1,63}$/

const attestorPath = (name: string) => `/attestors/${expectName(name, ATTESTOR_NAME, 'attestor')}`
const rulePath = (name: string) => `/enrolment-rules/${expectName(name, RULE_NAME, 'rule')}`
const requirementPath = (name: string) => `/attestation-requirements/${expectName(name, RULE_NAME, 'requirement')}`
const resultsPath = (agent: string) => `/agents/${encodeURIComponent(agent)}/attestation-results`

/** Makes the calls about attestation for one operator. */
export function operatorAttestation(caller: Caller, id: string): OperatorAttestation {
  const base = `/v1/operators/${id}`
  const send = (method: string, path: string, body?: object) => caller.call(id, { method, path: base + path, body })
  const list = async <S extends Shape>(shape: S, path: string, member: string) =>
    readAnswers(shape, readAnswer({ [member]: 'any' }, await send('GET', path))[member])
  const put = async <S extends Shape>(shape: S, path: string, member: string, body: object) =>
    readAnswer(shape, readAnswer({ [member]: 'any' }, await send('PUT', path, body))[member])
  return {
    putAttestor: async (name, given) => put(answers.attestor, attestorPath(name), 'attestor', attestorBody(given)),
    attestors: () => list(answers.attestor, '/attestors', 'attestors'),
    deleteAttestor: async (name) =>
      readAnswer({ deleted_results: 'count' }, await send('DELETE', attestorPath(name))).deleted_results,
    async createJoinToken(attestor, { label, ttl }) {
      const body = { label, ...(ttl !== undefined && { ttl }) }
      const answer = await send('POST', `${attestorPath(attestor)}/join-tokens`, body)
      const { secret, join_token: token } = readAnswer({ secret: 'text', join_token: 'any' }, answer)
      return { secret, token: readAnswer(answers.joinToken, token) }
    },
    joinTokens: async (attestor) => list(answers.joinToken, `${attestorPath(attestor)}/join-tokens`, 'join_tokens'),
    async deleteJoinToken(attestor, token) {
      if (!isUuid(token)) throw new TypeError('The id of a join token must be a UUID')
      await send('DELETE', `${attestorPath(attestor)}/join-tokens/${token}`)
    },
    putRule: async (name, rule) =>
      put(answers.rule, rulePath(name), 'rule', { rule: checked('rule', rule, answers.rule) }),
    rules: () => list(answers.rule, '/enrolment-rules', 'rules'),
    deleteRule: async (name) => void (await send('DELETE', rulePath(name))),
    async putRequirement(name, given) {
      const requirement = checked('requirement', given, answers.requirement)
      return put(answers.requirement, requirementPath(name), 'requirement', { requirement })
    },
    requirements: () => list(answers.requirement, '/attestation-requirements', 'requirements'),
    deleteRequirement: async (name) => void (await send('DELETE', requirementPath(name))),
    tryRules: async (given) => answers.readDryRun(await send('POST', '/rules:dry-run', triedBody(given))),
    async results(agent) {
      const { results } = readAnswer({ results: 'any' }, await send('GET', resultsPath(agent)))
      return readResults(results)
    },
    async removeResults(agent, reason) {
      const call = { method: 'DELETE', path: base + resultsPath(agent), query: queryOf({ reason }) }
      return readAnswer({ removed: 'count' }, await caller.call(id, call)).removed
    },
  }
}

function attestorBody(given: NewAttestor) {
  refuseUnknownNames('member of an attestor', given, ATTESTOR_NAMES)
  const { type, config, resultTtl, keepResults } = given
  return {
    type,
    config,
    ...(resultTtl !== undefined && { result_ttl: resultTtl }),
    ...(keepResults !== undefined && { keep_results: keepResults }),
  }
}

function triedBody(given: TriedAttestation) {
  refuseUnknownNames('member of an attestation', given, TRIED_NAMES)
  const { evidence, publicKey, nonce, rules } = given
  const sent = evidence.map(({ attestor, evidence: bytes }) => ({ attestor, evidence: encodeBase64(bytes) }))
  return {
    ...(publicKey !== undefined && { agent_public_key: encodeBase64(publicKey) }),
    attestation: { ...(nonce !== undefined && { nonce }), evidence: sent },
    ...(rules !== undefined && { rules: rules.map((each) => checked('rule', each, answers.rule)) }),
  }
}

/** Refuses a member that the server does not know: without a misspelt condition, a rule would let more agents in. */
function checked<T extends object>(what: string, given: T, shape: Shape): T {
  const names = Object.fromEntries(Object.keys(shape).map((name) => [name, true as const]))
  refuseUnknownNames(`member of a ${what}`, given, names)
  return given
}

function expectName(name: string, form: RegExp, what: string): string {
  if (form.test(name)) return name
  throw new TypeError(`The name of this ${what} must match ${form.source}, not ${JSON.stringify(name)}`)
}
