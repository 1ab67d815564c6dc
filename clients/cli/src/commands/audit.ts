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
const HEADER = ['TIME', 'OUTCOME', 'ACTION'] as const
/** Columns of a terminal. */
const WIDTH = 80

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
    more: 'only records about it',
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

/** `audit list`: lists audit records of the operator. */
export const audit = defineCommand({
  help: [
    'Lists audit records, newest first: the changes by the operator and to it, and its refused calls. A record must match all given filters. With --quiet, each record is one line. `auth4agent audit show ID` shows and verifies the signed request.',
  ],
  examples: [
    { does: 'the last 20 records', line: 'auth4agent audit list' },
    {
      does: 'refusals of the last hour',
      line: 'auth4agent audit list --outcome refused --since 1h --limit 500',
    },
    {
      does: 'everything about one agent',
      line: 'auth4agent audit list --agent did:agent:example.com:21fe31dfa154a261626bf854046fd227 --limit all',
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
    const text = records.length === 0 ? 'no records' : textOf(records)
    const rows = columns(records.map((record) => rowOf(record))).split('\n')
    answer(records, text, rows.slice(0, records.length))
  },
})

function rowOf({ at, outcome, action, actor, key_label, subject, reason, id }: AuditRecord): readonly string[] {
  return [at, outcome, action, actor, key_label ?? '', subject, reason ?? '', id]
}

/**
 * Writes records for people. A terminal of 80 columns has no room for a DID beside an id, so a record has one short
 * row, and below it a line for everything that is long.
 */
function textOf(records: readonly AuditRecord[]): string {
  const [header = '', ...rows] = columns([HEADER, ...records.map(headOf)]).split('\n')
  return [header, ...rows.flatMap((row, index) => [row].concat(below(records[index])))].join('\n')
}

function headOf({ at, outcome, action }: AuditRecord): readonly string[] {
  return [at.replace(/\.\d+(?=Z$)/, ''), outcome, action]
}

function below(record: AuditRecord | undefined): readonly string[] {
  if (record === undefined) return []
  const { actor, key_label: label, subject, reason, id } = record
  const why = exchangeFacts(record) ?? (reason ? [`reason ${reason}`] : [])
  const by = label ? ` with the key ${label}` : ''
  const told = [`actor ${actor}${by}`, ...(subject === '' ? [] : [`subject ${subject}`]), ...why, `id ${id}`]
  return told.flatMap((fact) => wrapped(plain(fact)))
}

/** Breaks a text so that each line fits into a terminal. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = []
  for (let rest = text; rest !== ''; ) {
    const indent = lines.length === 0 ? '    ' : '      '
    const room = WIDTH - indent.length
    const space = rest.length > room ? rest.lastIndexOf(' ', room) : rest.length
    // A word that is longer than a line is cut, and a cut loses no character.
    const end = space > 0 ? space : room
    lines.push(`${indent}${rest.slice(0, end)}`)
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end)
  }
  return lines
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
