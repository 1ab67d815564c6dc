import type { Operator, User, UserFilter } from '@auth4agent/sdk'
import { usingNames } from '../attestation/using-names.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { columns, lines } from '../text.ts'

const STATUSES = ['active', 'disabled'] as const
const SUBJECT = 'user:9sKxGXkSsGS3FWtdVEtMBw'

const subjectArgument = {
  name: 'SUBJECT',
  help: 'subject of the user, as `auth4agent user list` shows it',
  required: true,
} as const

/** `user list`: lists the users. */
export const listUsers = defineCommand({
  help: [
    'Lists the people who have signed in at your identity providers, by subject. Tokens name a user by the subject. The name is what the identity provider says. --json shows everything that the server knows about them.',
  ],
  examples: [
    { does: 'all users', line: 'auth4agent user list' },
    { does: 'who may sign in no more', line: 'auth4agent user list --status disabled' },
  ],
  flags: {
    ...operatorFlags,
    status: { kind: 'text', value: 'STATUS', help: 'only users that are active or disabled', choices: STATUSES },
  },
  async run(context) {
    const status = STATUSES.find((one) => one === context.flags.text('status'))
    const operator = await openOperator(context)
    const users = await context.progress('asking the server', collect(operator, { status, pageSize: 200 }))
    const rows = users.map((each) => [each.subject, each.status, each.provider ?? '', each.name ?? ''])
    const table = rows.length === 0 ? 'no users' : columns([['SUBJECT', 'STATUS', 'PROVIDER', 'NAME'], ...rows])
    context.answer(
      { users },
      table,
      users.map(({ subject }) => subject),
    )
  },
})

/** `user disable`: disables a user. */
export const disableUser = defineCommand({
  help: [
    'Ends all tokens of a user. When the command returns, no token of the user is accepted any more, and the user can sign in no more.',
  ],
  examples: [{ does: 'somebody who has left', line: `auth4agent user disable ${SUBJECT} --reason "left the company"` }],
  arguments: [subjectArgument],
  flags: { ...operatorFlags, ...reasonFlag },
  async run(context) {
    const [subject = ''] = context.arguments
    const { users } = await openOperator(context)
    const user = await context.progress('disabling', usingNames(users.disable(subject, context.flags.text('reason'))))
    context.answer(user, `user disabled\n\n${describe(user)}`, [user.subject])
  },
})

/** `user enable`: enables a user. */
export const enableUser = defineCommand({
  help: ['Lets a disabled user sign in again. Tokens from before stay ended.'],
  examples: [{ does: 'somebody who is back', line: `auth4agent user enable ${SUBJECT}` }],
  arguments: [subjectArgument],
  flags: { ...operatorFlags, ...reasonFlag },
  async run(context) {
    const [subject = ''] = context.arguments
    const { users } = await openOperator(context)
    const user = await context.progress('enabling', usingNames(users.enable(subject, context.flags.text('reason'))))
    context.answer(user, `user enabled\n\n${describe(user)}`, [user.subject])
  },
})

/** `user remove`: removes a user. */
export const removeUser = defineCommand({
  help: [
    'Ends all tokens of a user, and erases what the server knows about the person. When the command returns, no token of the user is accepted any more.',
    'It does not keep the person away: who signs in at the identity provider again is a user again. `auth4agent user disable` keeps a person away.',
  ],
  examples: [{ does: 'a person whose data must go', line: `auth4agent user remove ${SUBJECT}` }],
  arguments: [subjectArgument],
  flags: operatorFlags,
  async run(context) {
    const [subject = ''] = context.arguments
    const { users } = await openOperator(context)
    const user = await context.progress('removing', usingNames(users.remove(subject)))
    context.answer(user, `user removed\n\n${describe(user)}`, [user.subject])
  },
})

function describe({ subject, status, provider, tenant, provider_subject: known, name, groups }: User): string {
  return lines({
    subject,
    status,
    name: name ?? undefined,
    provider: provider ?? undefined,
    tenant: tenant ?? undefined,
    'known there as': known ?? undefined,
    groups: groups.length === 0 ? undefined : groups.join(', '),
  })
}

async function collect({ users }: Operator, filter: UserFilter): Promise<User[]> {
  const all = []
  for await (const user of users.list(filter)) all.push(user)
  return all
}
