import type { EnrolmentRule } from '@auth4agent/sdk'
import { readRule, ruleFlags } from '../attestation/policy-flags.ts'
import { usingNames } from '../attestation/using-names.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { columns, facts } from '../text.ts'

/** The argument of commands about one rule. */
const ruleArgument = {
  name: 'NAME',
  help: 'name of the rule: 1 to 63 characters of a-z, 0-9 and -',
  required: true,
} as const

/** `enrolment-rule set`: creates or replaces an enrolment rule. */
export const setRule = defineCommand({
  help: [
    'Sets an enrolment rule: agents whose evidence meets it enrol themselves, are active at once, and may ask for the scopes of the rule. If a rule of this name exists, it is replaced: the tokens of the agents that it has enrolled end, and these agents get new tokens within the new rule.',
    'The rule is the JSON of --file, as `enrolment-rule list --json` shows it, or comes from the other flags. `auth4agent enrolment-rule test` tries a rule before it is in force.',
  ],
  examples: [
    {
      does: 'pods of one namespace',
      line: 'auth4agent enrolment-rule set pods --all-of kubernetes --when \'claims.kubernetes.namespace == "orders"\' --scope orders:read --label "{kubernetes.service_account}" --max-agents 100 --expire-unused 1h --end-tokens',
    },
    { does: 'from a file', line: 'auth4agent enrolment-rule set pods --file pods.json' },
  ],
  arguments: [ruleArgument],
  flags: { ...operatorFlags, ...ruleFlags },
  async run(context) {
    const [name = ''] = context.arguments
    const given = await readRule(context)
    const { attestation } = await openOperator(context)
    const rule = await context.progress('setting the rule', usingNames(attestation.putRule(name, given)))
    context.answer(rule, `rule set\n\n${facts(rule)}`, [rule.name])
  },
})

/** `enrolment-rule list`: lists the enrolment rules. */
export const listRules = defineCommand({
  help: [
    'Lists your enrolment rules by name. --json shows the whole rules, as `enrolment-rule set --file` accepts each.',
  ],
  examples: [{ does: 'all rules', line: 'auth4agent enrolment-rule list' }],
  flags: operatorFlags,
  async run(context) {
    const { attestation } = await openOperator(context)
    const rules = await context.progress('asking the server', attestation.rules())
    const names = rules.map(({ name }) => name)
    context.answer({ rules }, ruleTable(rules), names)
  },
})

/** `enrolment-rule delete`: deletes an enrolment rule. */
export const deleteRule = defineCommand({
  help: [
    'Deletes an enrolment rule. The tokens of the agents that it has enrolled end, and these agents get no new ones.',
  ],
  examples: [{ does: 'a team that has left', line: 'auth4agent enrolment-rule delete pods' }],
  arguments: [ruleArgument],
  flags: operatorFlags,
  async run(context) {
    const [name = ''] = context.arguments
    const { attestation } = await openOperator(context)
    await context.progress('deleting', usingNames(attestation.deleteRule(name)))
    context.answer({ name }, `rule deleted\n\nname: ${name}`, [name])
  },
})

function ruleTable(rules: readonly EnrolmentRule[]): string {
  if (rules.length === 0) return 'there is no rule'
  const rows = rules.map(({ name, all_of, any_of, when, scopes }) => [
    name,
    attestorsOf(all_of, any_of),
    when ?? '',
    (scopes ?? []).join(' '),
  ])
  return columns([['NAME', 'ATTESTORS', 'WHEN', 'SCOPES'], ...rows])
}

/** Writes which attestors a rule or requirement needs. */
export function attestorsOf(
  allOf: readonly string[] | null | undefined,
  anyOf: readonly string[] | null | undefined,
): string {
  return allOf && allOf.length > 0 ? allOf.join(' and ') : (anyOf ?? []).join(' or ')
}
