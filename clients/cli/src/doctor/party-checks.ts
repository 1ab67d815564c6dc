import { FROZEN } from '../frozen.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { type Answer, type NoAnswer, objectOf, type Probe } from './probe.ts'
import type { Check } from './run-checks.ts'

/** An operator as `operator.json` describes it. Unknown values are empty. */
export interface KnownOperator {
  readonly id: string
  readonly domain: string
}

/** An agent as `agent.json` describes it. */
export interface KnownAgent {
  readonly did: string
  readonly operatorId: string
  /** Base64 of 32 bytes. */
  readonly publicKey: string
}

/** Returns the checks that compare operator and agent with what the server knows, with `keyChecks` between them. */
export function partyChecks(
  probe: Probe,
  operator: KnownOperator | undefined,
  agent: KnownAgent | undefined,
  keyChecks: readonly Check[],
): readonly Check[] {
  return [
    ...(operator === undefined ? [] : [{ name: 'operator', run: () => checkOperator(probe, operator) }]),
    ...keyChecks,
    ...(agent === undefined ? [] : [{ name: 'agent', run: () => checkAgent(probe, agent) }]),
  ]
}

const PROVE = '`auth4agent operator show-proof` shows what to publish; then run `auth4agent operator confirm`.'

/** What to do about an operator that is not active. */
const OPERATOR_CURES: Readonly<Record<string, string>> = {
  pending: `The domain is not proven yet. ${PROVE}`,
  lapsed: `The proof of the domain is gone from DNS. ${PROVE}`,
  suspended: 'The administrator of the server has suspended the operator and can reinstate it.',
  superseded: 'Another operator has proven the domain since. If the domain is yours, register again with a new key.',
  released: 'The operator has given up its domain for good. Register again with a new key.',
}

async function checkOperator(probe: Probe, { id, domain }: KnownOperator): Promise<readonly Finding[]> {
  if (id === '')
    return [problem('operator', 'the operator is not registered', 'Register it: `auth4agent operator register`.')]
  const answer = await probe.get(`/v1/operators/${encodeURIComponent(id)}`)
  const known = objectOf(answer)
  if (known === undefined) return unknown('operator', answer, 'Register it: `auth4agent operator register`.')
  const { status, domain: registered } = known
  if (registered !== domain) {
    const message = `operator.json names the domain ${domain}, but on the server this id belongs to ${String(registered)}`
    return [
      problem(
        'operator',
        message,
        'Restore operator.json, or register the domain again: `auth4agent operator register`.',
      ),
    ]
  }
  if (typeof known.frozen_at === 'string') {
    return [problem('operator', `${domain} is frozen since ${known.frozen_at}`, FROZEN)]
  }
  if (status === 'active') return [ok('operator', `${domain} is active`)]
  const cure = OPERATOR_CURES[String(status)] ?? 'Install a newer version of this tool.'
  return [problem('operator', `${domain} is ${String(status)}`, cure)]
}

/** What to do about an agent that is not active. */
const AGENT_CURES: Readonly<Record<string, string>> = {
  pending: 'Its operator must grant scopes to it: `auth4agent scope set --scope …`.',
  suspended: 'Its operator can reactivate it: `auth4agent agent reactivate`.',
  revoked:
    'A revoked agent stays revoked. Create and register a new one: `auth4agent init`, `auth4agent agent register`.',
}

async function checkAgent(probe: Probe, agent: KnownAgent): Promise<readonly Finding[]> {
  const { did, operatorId, publicKey } = agent
  if (did === '') return [problem('agent', 'agent.json has no DID', 'Create a key: `auth4agent init --domain …`.')]
  const answer = await probe.get(`/v1/agent/${did}`)
  const known = objectOf(answer)
  if (known === undefined) return unknown('agent', answer, 'Register it: `auth4agent agent register`.')
  const { status, allowed_scopes: scopes, operator_id: owner, agent_public_key: registeredKey, moved_to: to } = known
  if (typeof to === 'string' && to !== '')
    return [problem('agent', `${did} has moved to ${to}`, 'Use the new DID: `auth4agent agent finish-move`.')]
  if (registeredKey !== publicKey) {
    return [
      problem(
        'agent',
        'the server has another public key than agent.json for this DID',
        'Restore the key file with which the agent was registered. After a rotation or recovery, `auth4agent agent-key use FILE` makes another key file the configured one.',
      ),
    ]
  }
  // An empty id means that the agent was registered, but agent.json was not updated.
  if (operatorId !== '' && owner !== operatorId) {
    const message = `agent.json names the operator ${operatorId}, but on the server the agent belongs to ${String(owner)}`
    return [problem('agent', message, 'Register it again: `auth4agent agent register`.')]
  }
  if (status !== 'active') {
    const cure = AGENT_CURES[String(status)] ?? 'Install a newer version of this tool.'
    return [problem('agent', `${did} is ${String(status)}`, cure)]
  }
  const names = Array.isArray(scopes) ? scopes.map(String) : []
  if (names.length > 0) return [ok('agent', `${did} is active and may ask for ${names.join(' ')}`)]
  return [
    warning(
      'agent',
      `${did} is active and has no scopes`,
      'Its operator must grant them: `auth4agent scope set --scope …`.',
    ),
  ]
}

function unknown(check: string, answer: Answer | NoAnswer, cure: string): readonly Finding[] {
  // Another finding already reports that the server does not answer.
  if (answer.kind === 'none') return []
  if (answer.status === 404) return [problem(check, `the server does not know the ${check}`, cure)]
  return [
    problem(
      check,
      `the server answers a query for the ${check} with ${answer.status}`,
      'Try again later. The administrator can look at the logs of the server.',
    ),
  ]
}
