import type { AuditFilter, AuditRecord, Operator } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { columns } from '../text.ts'

const MAX_PAGE = 200

/** Lists what was done in the operator's name. */
export const audit = defineCommand({
  help: ["Lists what was done, and refused, in the operator's name or to it; newest first. Filters must all match."],
  examples: [
    { does: 'the last 20', line: 'auth4agent audit' },
    {
      does: 'what was refused since yesterday',
      line: 'auth4agent audit --outcome refused --since 2026-01-14T00:00:00Z --limit 500',
    },
    {
      does: 'all that became of an agent',
      line: 'auth4agent audit --subject did:agent:example.com:21fe31dfa154a261626bf854046fd227 --limit all',
    },
  ],
  flags: {
    ...operatorFlags,
    action: { kind: 'text', value: 'ACTION', help: 'one action alone, as agent.suspend' },
    subject: { kind: 'text', value: 'SUBJECT', help: "an agent's DID, a jti or an operator id" },
    outcome: { kind: 'text', value: 'OUTCOME', help: 'done or refused' },
    since: { kind: 'text', value: 'TIME', help: 'at or after that time, RFC 3339' },
    until: { kind: 'text', value: 'TIME', help: 'before that time' },
    limit: { kind: 'text', value: 'NUMBER', help: 'how many; 20 unless told, or `all`' },
  },
  async run(context) {
    const { flags, answer, progress } = context
    const limit = readLimit(flags.text('limit') ?? '20')
    const outcome = (['done', 'refused'] as const).find((one) => one === flags.text('outcome'))
    if (outcome === undefined && flags.text('outcome') !== undefined) throw usageError('--outcome is done or refused')
    const [action, subject, since, until] = [
      flags.text('action'),
      flags.text('subject'),
      flags.text('since'),
      flags.text('until'),
    ]
    const filter = { action, subject, outcome, since, until, pageSize: Math.min(limit, MAX_PAGE) }
    const operator = await openOperator(context)
    const records = await progress('asking the server', take(operator, filter, limit))
    const rows = records.map(({ at, outcome, action, actor, subject, reason }) => [
      at,
      outcome,
      action,
      actor,
      subject,
      reason ?? '',
    ])
    answer(records, records.length === 0 ? 'no records' : columns(rows))
  },
})

function readLimit(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usageError('--limit is a number, or `all`')
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
