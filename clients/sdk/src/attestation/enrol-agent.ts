import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { AGENT_NAMES, type Agent, type AgentOptions } from '../agent.ts'
import { generateKey } from '../keys/signers.ts'
import type { Runtime } from '../runtime.ts'
import { enrol } from './enrol.ts'
import type { EnrolledAgent, EnrolledOptions } from './enrolled-options.ts'
import type { FirstResults } from './keep-attested.ts'

/** Options of an agent that has a DID, and therefore not of one that enrols itself. */
const OTHER = new Set(['did', 'attest', 'keyRotation', 'onKeyRotation'])
const NAMES: Readonly<Record<string, true>> = Object.fromEntries(
  [...Object.keys(AGENT_NAMES), 'enrol', 'rule'].flatMap((name) => (OTHER.has(name) ? [] : [[name, true]])),
)

/** Enrols an agent, and then opens it with the DID that it got. */
export async function enrolAgent(
  given: EnrolledOptions,
  runtime: Runtime,
  open: (options: AgentOptions, first: FirstResults) => Agent,
): Promise<EnrolledAgent> {
  refuseUnknownNames('option of an agent that enrols itself', given, NAMES)
  const { enrol: evidence, key: own, rule, ...options } = given
  const { server, issuer, fetch, timeoutMs, operator } = options
  const key = own ?? (await generateKey())
  const atMs = runtime.monotonicMs()
  const enrolment = await enrol({ server, issuer, fetch, timeoutMs, operator, key, evidence, rule }, runtime)
  const agent = open({ ...options, did: enrolment.did, key, attest: evidence }, { results: enrolment.results, atMs })
  return { ...agent, enrolment }
}
