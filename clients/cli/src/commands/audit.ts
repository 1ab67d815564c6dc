import type { AuditFilter, AuditRecord, Operator } from '@auth4agent/sdk'
import { agentFlags, chosenAgent, didOf } from '../agent-name.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Base } from '../context.ts'
import { exchangeFacts } from '../exchange-facts.ts'
import type { FlagReader } from '../flags.ts'
import { openOperator } from '../parties.ts'
import { columns, plain } from '../text.ts'
import { readTime } from '../times.ts'

const MAX_PAGE = 200
const OUTCOMES = ['done', 'refused'] as const
const HEADER = ['TIME', 'OUTCOME', 'ACTION', 'ACTOR', 'KEY', 'SUBJECT', 'REASON', 'ID'] as const

const auditFlags = {
  ...operatorFlags,
  action: { kind: 'text', value: 'ACTION', help: 'only records of this action, such as agent.suspend' },
  subject: {
    kind: 'text',
    value: 'SUBJECT',
    help: 'only records about this subject: the DID of an agent, a jti or an operator id',
  },
  agent: {
    ...agentFlags.agent,
    help: 'only records about this agent: its DID or id, or `self` for the agent of agent.json',
  },
  outcome: {
    kind: 'text',
    value: 'OUTCOME',
    help: 'only records with this outcome: done or refused',
    choices: OUTCOMES,
  },
  since: {
    kind: 'text',
    value: 'TIME',
    help: 'only records at or after this time: a duration before now (90s, 1h, 7d) or RFC 3339',
  },
  until: { kind: 'text', value: 'TIME', help: 'only records before this time, in one of the forms of --since' },
  limit: { kind: 'text', value: 'NUMBER', help: 'largest number of records, or `all`; 20 by default' },
} as const

/** `audit`: lists audit records of the operator. */
export const audit = defineCommand({
  help: [
    'Lists audit records, newest first: the changes by the operator and to it, and its refused calls. A record must match all given filters. KEY is the label of the key that signed. `auth4agent audit show ID` shows and verifies the signed request.',
  ],
  examples: [
    { does: 'the last 20 records', line: 'auth4agent audit' },
    {
      does: 'refusals of the last hour',
      line: 'auth4agent audit --outcome refused --since 1h --limit 500',
    },
    {
      does: 'everything about one agent',
      line: 'auth4agent audit --agent did:agent:example.com:21fe31dfa154a261626bf854046fd227 --limit all',
    },
  ],
  flags: auditFlags,
  async run(context) {
    const { flags, answer, progress, now } = context
    const limit = readLimit(flags.text('limit') ?? '20')
    const outcome = OUTCOMES.find((one) => one === flags.text('outcome'))
    const since = readTime('--since', flags.text('since'), now())
    const until = readTime('--until', flags.text('until'), now())
    const action = flags.text('action')
    const operator = await openOperator(context)
    const subject = await subjectOf(context, operator)
    const filter = { action, subject, outcome, since, until, pageSize: Math.min(limit, MAX_PAGE) }
    const records = await progress('asking the server', take(operator, filter, limit))
    const text = records.length === 0 ? 'no records' : tableOf(records)
    const rows = columns(records.map((record) => rowOf(record))).split('\n')
    answer(records, text, rows.slice(0, records.length))
  },
})

function rowOf({ at, outcome, action, actor, key_label, subject, reason, id }: AuditRecord): readonly string[] {
  return [at, outcome, action, actor, key_label ?? '', subject, reason ?? '', id]
}

/** Makes the table for people. What an exchange says about who acted for whom is too long for a column. */
function tableOf(records: readonly AuditRecord[]): string {
  const facts = records.map((record) => exchangeFacts(record) ?? [])
  const short = records.map((record, index) => rowOf(facts[index]?.length === 0 ? record : { ...record, reason: '' }))
  const [header = '', ...rows] = columns([HEADER, ...short]).split('\n')
  const below = (index: number) => (facts[index] ?? []).map((fact) => `    ${plain(fact)}`)
  return [header, ...rows.flatMap((row, index) => [row].concat(below(index)))].join('\n')
}

/** Returns the subject of --subject, or the DID of the agent of --agent. */
async function subjectOf(
  { flags, folder }: Pick<Base, 'folder'> & { readonly flags: FlagReader<typeof auditFlags> },
  operator: Operator,
): Promise<string | undefined> {
  const subject = flags.text('subject')
  if (flags.text('agent') === undefined) return subject
  if (subject !== undefined) throw usageError('--subject and --agent cannot be used together')
  return didOf(await chosenAgent({ flags, folder, arguments: [] }), async () => operator)
}

function readLimit(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usageError('--limit must be a positive whole number or `all`')
  return Number(text)
}

async function take(operator: Operator, filter: AuditFilter, limit: number): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of operator.audit(filter)) {
    records.push(record)
    if (records.length >= limit) break
  }
  return records
}
