import type { UserConnection, UserConsent } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

const CONSENT = '8c8f5c3a-0d55-4a3f-9a53-5d0f7c7e3c0b'
const URL_CLIENT = 'https://client.example/oauth/client.json'

/** `consent list`: lists what users let clients do. */
export const listConsents = defineCommand({
  help: [
    'Lists what your users let clients do anywhere, and what users of all operators let clients do at your audiences, newest first. Each consent has its connections: the installations of the client that can get tokens.',
  ],
  examples: [
    { does: 'all consents', line: 'auth4agent consent list' },
    { does: 'those for one client', line: `auth4agent consent list --client ${URL_CLIENT}` },
  ],
  flags: {
    ...operatorFlags,
    'for-user': { kind: 'text', value: 'USER', help: 'only consents of this user' },
    client: { kind: 'text', value: 'CLIENT', help: 'only consents for this client' },
    audience: { ...shared.audience, more: 'only consents at it' },
  },
  async run(context) {
    const { flags } = context
    const filter = { subject: flags.text('for-user'), clientId: flags.text('client'), audience: flags.text('audience') }
    const { consents: calls } = await openOperator(context)
    const consents = await context.progress('asking the server', readAll(calls.list(filter)))
    const heading = ['CONSENT', 'USER', 'CLIENT', 'CAPABILITIES', 'CONNECTIONS']
    const rows = consents.map((each) => [
      each.id,
      each.subject,
      each.client_id,
      each.capabilities.join(' '),
      each.connections.map(({ id }) => id).join(' '),
    ])
    const table = rows.length === 0 ? 'no user lets a client do anything' : columns([heading, ...rows])
    context.answer(
      { consents },
      table,
      consents.map(({ id }) => id),
    )
  },
})

/** `consent withdraw`: withdraws a consent. */
export const withdrawConsent = defineCommand({
  help: [
    'Withdraws a consent of one of your users, or one at one of your audiences. Its connections end too. When the command returns, no online verifier accepts a token that rests on it. The user can consent again.',
  ],
  examples: [{ does: 'a consent of the list', line: `auth4agent consent withdraw ${CONSENT}` }],
  arguments: [{ name: 'CONSENT', help: 'the id of the consent', required: true }],
  flags: operatorFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { consents } = await openOperator(context)
    const consent = await context.progress('withdrawing', consents.withdraw(given))
    context.answer(consent, `consent withdrawn\n\n${describeConsent(consent)}`, [consent.id])
  },
})

/** `connection end`: ends a connection. */
export const endConnection = defineCommand({
  help: [
    'Ends one connection of a consent: one installation of a client. When the command returns, no online verifier accepts a token of it. The consent stays, so other installations go on.',
  ],
  examples: [{ does: 'a connection of `consent list`', line: `auth4agent connection end ${CONSENT}` }],
  arguments: [{ name: 'CONNECTION', help: 'the id of the connection', required: true }],
  flags: operatorFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { consents } = await openOperator(context)
    const connection = await context.progress('ending', consents.endConnection(given))
    context.answer(connection, `connection ended\n\n${describeConnection(connection)}`, [connection.id])
  },
})

async function readAll(consents: AsyncIterable<UserConsent>): Promise<UserConsent[]> {
  const all: UserConsent[] = []
  for await (const consent of consents) all.push(consent)
  return all
}

function describeConsent({ id, subject, client_id, capabilities, connections }: UserConsent): string {
  const ended = connections.map((each) => each.id).join(' ')
  return lines({ consent: id, user: subject, client: client_id, capabilities: capabilities.join(' '), ended })
}

function describeConnection({ id, scopes, created_at, used_at }: UserConnection): string {
  return lines({ connection: id, scopes: scopes.join(' '), since: created_at, 'used last': used_at })
}
