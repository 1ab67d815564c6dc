import type { AdmittedSubject } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag, suppliedFlags } from '../common-flags.ts'
import { findIssuer, issuerArgument } from '../issuers.ts'
import { openAdministrator } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

const IDP = 'https://idp.example'
const OPERATOR = '0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99'

/** `issuer add-subject`: puts a rule about a subject of an identity provider. */
export const addSubject = defineCommand({
  help: [
    'Says which user of this server a subject of an identity provider is, and what the agents of one operator may do for that user. They get tokens for an ID-JAG of the identity provider. Only the administrator can do this.',
    'The rule replaces the rule about the same subject and operator. If that one was different, no online verifier accepts its tokens when the command has ended.',
  ],
  examples: [
    {
      does: "let an operator's agents read customers for alice",
      line: `auth4agent issuer add-subject ${IDP} U019488227 --user user:alice --operator-id ${OPERATOR} --aud https://api.example.com --scope customers:read`,
    },
  ],
  arguments: [
    issuerArgument,
    { name: 'SUB', help: 'the claim `sub` of the user there, exactly; never an e-mail address', required: true },
  ],
  flags: {
    ...adminFlags,
    user: { kind: 'text', value: 'USER', help: 'the user here, such as user:alice', required: true },
    'operator-id': {
      ...suppliedFlags['operator-id'],
      more: 'the rule counts for its agents',
      aliases: ['operator'],
      required: true,
    },
    tenant: { kind: 'text', value: 'TENANT', help: 'the claim `tenant`, if the identity provider sends one' },
    aud: { ...shared.aud, more: 'agents may act there for the user', required: true },
    scope: { ...shared.scope, more: 'agents may have them there', required: true },
  },
  async run(context) {
    const [given = '', sub = ''] = context.arguments
    const { flags } = context
    const rule = {
      tenant: flags.text('tenant'),
      sub,
      user: flags.required('user'),
      operator_id: flags.required('operator-id'),
      audience: flags.list('aud'),
      scope: readScopes(flags.list('scope')),
    }
    const { issuers } = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer({ issuers }, given))
    const put = await context.progress('adding', issuers.subjects.put(id, rule))
    context.answer(put, `rule added\n\n${describeSubject(put)}`, [put.rule])
  },
})

/** `issuer list-subjects`: lists the rules about subjects. */
export const listSubjects = defineCommand({
  help: [
    'Lists the rules about the subjects of an identity provider, newest first. Only the administrator can do this.',
  ],
  examples: [{ does: 'all rules', line: `auth4agent issuer list-subjects ${IDP}` }],
  arguments: [issuerArgument],
  flags: adminFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { issuers } = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer({ issuers }, given))
    const subjects = await context.progress('asking the server', readAll(issuers.subjects.list(id)))
    const rules = subjects.map(({ rule }) => rule)
    context.answer({ subjects }, subjectTable(subjects), rules)
  },
})

/** `issuer remove-subject`: removes a rule about a subject. */
export const removeSubject = defineCommand({
  help: [
    'Removes a rule about a subject of an identity provider. When the command has ended, no online verifier accepts a token that was issued by the rule. Only the administrator can do this.',
  ],
  examples: [
    {
      does: 'a user who has left',
      line: `auth4agent issuer remove-subject ${IDP} 5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7 --reason "has left"`,
    },
  ],
  arguments: [
    issuerArgument,
    { name: 'RULE', help: 'id of the rule, as `issuer list-subjects` shows it', required: true },
  ],
  flags: { ...adminFlags, ...reasonFlag },
  async run(context) {
    const [given = '', rule = ''] = context.arguments
    const { issuers } = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer({ issuers }, given))
    const removal = issuers.subjects.remove(id, rule, context.flags.text('reason')).catch((error: unknown) => {
      throw error instanceof TypeError ? usageError(error.message) : error
    })
    const removed = await context.progress('removing', removal)
    context.answer(removed, `rule removed\n\n${describeSubject(removed)}`, [removed.rule])
  },
})

async function readAll(rules: AsyncIterable<AdmittedSubject>): Promise<AdmittedSubject[]> {
  const all: AdmittedSubject[] = []
  for await (const rule of rules) all.push(rule)
  return all
}

function describeSubject({ rule, tenant, sub, user, operator_id, audience, scope }: AdmittedSubject): string {
  return lines({
    rule,
    subject: sub,
    tenant,
    user,
    operator: operator_id,
    audience: audience.join(' '),
    scope: scope.join(' '),
  })
}

function subjectTable(subjects: readonly AdmittedSubject[]): string {
  if (subjects.length === 0) return 'there is no rule'
  const rows = subjects.map(({ rule, tenant, sub, user, operator_id, audience, scope }) => {
    return [rule, tenant ?? '', sub, user, operator_id, audience.join(' '), scope.join(' ')]
  })
  return columns([['RULE', 'TENANT', 'SUBJECT', 'USER', 'OPERATOR', 'AUDIENCE', 'SCOPE'], ...rows])
}
