import { type Finding, ok, problem, warning } from './finding.ts'
import { type Answer, type NoAnswer, objectOf, type Probe } from './probe.ts'
import type { Check } from './run-checks.ts'

/** An operator as `operator.json` has it; empty texts are not known yet. */
export interface KnownOperator {
  readonly id: string
  readonly domain: string
}

/** An agent as `agent.json` has it. */
export interface KnownAgent {
  readonly did: string
  readonly operatorId: string
  /** Base64 of 32 bytes. */
  readonly publicKey: string
}

/** What the server has of operator and agent. */
export function partyChecks(
  probe: Probe,
  operator: KnownOperator | undefined,
  agent: KnownAgent | undefined,
): readonly Check[] {
  return [
    ...(operator === undefined ? [] : [{ name: 'operator', run: () => checkOperator(probe, operator) }]),
    ...(agent === undefined ? [] : [{ name: 'agent', run: () => checkAgent(probe, agent) }]),
  ]
}

const PROVE =
  '`auth4agent verify-operator instructions` says what to publish, `auth4agent verify-operator confirm` looks for it.'

/** What to do about an operator that is not active. */
const OPERATOR_CURES: Readonly<Record<string, string>> = {
  pending: `The domain is not proven yet. ${PROVE}`,
  lapsed: `The record of the domain is gone. ${PROVE}`,
  suspended: 'The administrator of the server has stopped it, and can reinstate it.',
  superseded: 'Another operator has proven the domain since. If it should be yours: register again under a new key.',
  released: 'It gave its domain up for good. Register again under a new key.',
}

async function checkOperator(probe: Probe, { id, domain }: KnownOperator): Promise<readonly Finding[]> {
  if (id === '') return [problem('operator', 'it is not registered', 'Register it: `auth4agent register operator`.')]
  const answer = await probe.get(`/v1/operators/${encodeURIComponent(id)}`)
  const known = objectOf(answer)
  if (known === undefined) return unknown('operator', answer, 'Register it: `auth4agent register operator`.')
  const { status, domain: registered } = known
  if (registered !== domain) {
    const message = `operator.json says ${domain}, and the server has ${String(registered)} under that id`
    return [
      problem(
        'operator',
        message,
        'Restore operator.json, or register the domain again: `auth4agent register operator`.',
      ),
    ]
  }
  if (status === 'active') return [ok('operator', `${domain} is active`)]
  const cure = OPERATOR_CURES[String(status)] ?? 'Install a newer version of this tool.'
  return [problem('operator', `${domain} is ${String(status)}`, cure)]
}

/** What to do about an agent that is not active. */
const AGENT_CURES: Readonly<Record<string, string>> = {
  pending: 'Its operator approves it by granting scopes: `auth4agent agent-scopes set --scope …`.',
  suspended: 'Its operator ends that: `auth4agent revoke reactivate`.',
  revoked: 'That is for good. Make a new key and register it: `auth4agent init`, `auth4agent register agent`.',
}

async function checkAgent(probe: Probe, agent: KnownAgent): Promise<readonly Finding[]> {
  const { did, operatorId, publicKey } = agent
  if (did === '') return [problem('agent', 'agent.json has no DID', 'Make a key: `auth4agent init --domain …`.')]
  const answer = await probe.get(`/v1/agent/${did}`)
  const known = objectOf(answer)
  if (known === undefined) return unknown('agent', answer, 'Register it: `auth4agent register agent`.')
  const { status, allowed_scopes: scopes, operator_id: owner, agent_public_key: registeredKey } = known
  if (registeredKey !== publicKey) {
    return [
      problem(
        'agent',
        'the server has another public key for this DID',
        'Restore the key file of the time of its registration.',
      ),
    ]
  }
  // It was registered, and what came of that was not written down.
  if (operatorId !== '' && owner !== operatorId) {
    const message = `agent.json names the operator ${operatorId}, and the server has it under ${String(owner)}`
    return [problem('agent', message, 'Register it again: `auth4agent register agent`.')]
  }
  if (status !== 'active') {
    const cure = AGENT_CURES[String(status)] ?? 'Install a newer version of this tool.'
    return [problem('agent', `${did} is ${String(status)}`, cure)]
  }
  const names = Array.isArray(scopes) ? scopes.map(String) : []
  if (names.length > 0) return [ok('agent', `${did} is active and may have ${names.join(' ')}`)]
  return [
    warning(
      'agent',
      `${did} is active and has no scopes`,
      'Its operator grants them: `auth4agent agent-scopes set --scope …`.',
    ),
  ]
}

function unknown(check: string, answer: Answer | NoAnswer, cure: string): readonly Finding[] {
  // That the server does not answer is told once, and elsewhere.
  if (answer.kind === 'none') return []
  if (answer.status === 404) return [problem(check, 'the server does not know it', cure)]
  return [
    problem(
      check,
      `the server answers ${answer.status} when it is asked for it`,
      'Try again later; whoever runs the server has its logs.',
    ),
  ]
}
