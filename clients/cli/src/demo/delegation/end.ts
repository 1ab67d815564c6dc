import type { AuditRecord } from '@auth4agent/sdk'
import { exchangeFacts } from '../../exchange-facts.ts'
import type { PlayedOperator, Scene } from '../parties.ts'
import { unexpected, untilRefused } from '../until-refused.ts'
import type { Cast } from './cast.ts'
import type { Holders } from './hand-on.ts'
import { pay, refusalOf, send } from './send.ts'

const REASON = 'demo'
/** The facts of an exchange that name its parties: the actor, the principal, and who is between them. */
const PARTIES = 3
/** The actions that say who acted for whom, and who ended it. */
const TOLD_ACTIONS = new Set(['grant.issue', 'token.exchange', 'agent.suspend'])
/** What the id is that the audit has as the subject of an action. The others have a name. */
const SUBJECT_KINDS: ReadonlyMap<string, string> = new Map([
  ['grant.issue', 'the root grant '],
  ['token.exchange', 'the delegated token '],
])

/** The partner suspends the planner, which ends everything below it, and nothing above it. */
export async function suspendMiddle({ tell, pause }: Scene, cast: Cast, holders: Holders): Promise<void> {
  const { partner, planner, api, audience } = cast
  await partner.operator.agents.suspend(planner.did, REASON)
  const { ms, body } = await untilRefused(() => send(holders.worker, api, pay(1)), pause)
  const { told } = refusalOf({ status: 401, body }, 'AGENT_TOKENS_ENDED')
  refusalOf(await send(holders.worker, api, pay(1), audience), 'AGENT_TOKENS_ENDED')
  const { status } = await send(holders.orchestrator, api, pay(200))
  if (status !== 200) throw unexpected('the API', status, '')
  tell({
    step: 'middle-suspended',
    act: 'The middle is suspended',
    title: 'The partner suspends the planner. Nobody touches the worker',
    lines: [
      `${ms} ms after the server's answer, the API refuses the worker: ${told[0]}`,
      told[1],
      'It also refuses the delegated token, which the server gave for the chain.',
      'The orchestrator, above the planner, still pays: POST /payments {"amount":200}: 200',
    ],
    facts: { did: planner.did, refused_after_ms: ms, reason: 'AGENT_TOKENS_ENDED', orchestrator_status: status },
  })
}

/** Shows what each operator finds in its audit. */
export async function showAudits({ tell, domain }: Scene, cast: Cast): Promise<void> {
  const { shop, partner, partnerDomain } = cast
  const audits = [
    { domain, operator: shop.operator, act: 'Who acted for whom' },
    { domain: partnerDomain, operator: partner.operator },
  ]
  for (const { domain: name, operator, ...act } of audits) {
    const records = await recordsOf(operator)
    tell({
      step: 'audit-shown',
      ...act,
      title: `The audit of ${name}`,
      lines: records.flatMap((record) => linesOf(record).map((line) => withNames(line, cast))),
      facts: {
        domain: name,
        records: records.map(({ action, actor, subject, reason }) => ({ action, actor, subject, reason })),
      },
    })
  }
}

async function recordsOf(operator: PlayedOperator['operator']): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of operator.audit({ outcome: 'done' }))
    if (TOLD_ACTIONS.has(record.action)) records.push(record)
  return records.toReversed()
}

function linesOf(record: AuditRecord): readonly string[] {
  const { at, action, actor, subject } = record
  const facts = exchangeFacts(record)?.filter((fact) => !fact.startsWith('grants ')) ?? []
  const [parties, terms] = [facts.slice(0, PARTIES), facts.slice(PARTIES)].map((part) => part.join(', '))
  const kind = SUBJECT_KINDS.get(action) ?? ''
  const first = `${at.slice(11, 19)}  ${action.padEnd(14)}  by ${actor}, about ${kind}${subject}`
  return [first, ...[parties, terms].flatMap((line) => (line ? [`          ${line}`] : []))]
}

/** Replaces the ids of the parties by their names. */
function withNames(text: string, { shop, partner, orchestrator, planner, worker }: Cast): string {
  const names = [
    [`agent:${orchestrator.did}`, 'the orchestrator'],
    [`agent:${worker.did}`, 'the worker'],
    [`operator:${partner.operator.id}`, 'its operator'],
    [orchestrator.did, 'the orchestrator'],
    [planner.did, 'the planner'],
    [worker.did, 'the worker'],
    [shop.operator.id, 'the shop'],
  ] as const
  return names.reduce((told, [id, name]) => told.replaceAll(id, name), text)
}
