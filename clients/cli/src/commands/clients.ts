import type { OperatorClient } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { columns, lines } from '../text.ts'

const URL_CLIENT = 'https://client.example/oauth/client.json'
const clientArgument = {
  name: 'CLIENT',
  help: 'the DID of an agent, or the URL of a client ID metadata document, exactly',
  required: true,
} as const

/** `client allow`: lets a client act for users. */
export const allowClient = defineCommand({
  help: [
    'Lets a client act for users at your audiences. A client is an agent, or a program such as an MCP client that describes itself at a URL. The server reads the document at the URL before it stores anything.',
    'A URL says only that the owner of its host has published the document. Nobody has verified the name that the document gives.',
  ],
  examples: [
    { does: 'an MCP client', line: `auth4agent client allow ${URL_CLIENT}` },
    {
      does: 'an agent of another operator',
      line: 'auth4agent client allow did:agent:acme.example:0123456789abcdef0123456789abcdef',
    },
  ],
  arguments: [clientArgument],
  flags: operatorFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { clients } = await openOperator(context)
    const client = await context.progress('reading the document of the client', clients.allow(given))
    context.answer(client, `client allowed\n\n${describe(client)}`, [client.client_id])
  },
})

/** `client block`: blocks a client. */
export const blockClient = defineCommand({
  help: [
    'Blocks a client, also where an audience admits any client. When the command returns, no online verifier accepts a token with which it acts for a user at your audiences. `client allow` lifts the block; the earlier tokens stay refused.',
  ],
  examples: [{ does: 'a client that you no longer trust', line: `auth4agent client block ${URL_CLIENT}` }],
  arguments: [clientArgument],
  flags: operatorFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { clients } = await openOperator(context)
    const client = await context.progress('blocking', clients.block(given))
    context.answer(client, `client blocked\n\n${describe(client)}`, [client.client_id])
  },
})

/** `client list`: lists the clients. */
export const listClients = defineCommand({
  help: ['Lists the clients that you have allowed or blocked, by client id.'],
  examples: [{ does: 'all clients', line: 'auth4agent client list' }],
  flags: operatorFlags,
  async run(context) {
    const { clients: calls } = await openOperator(context)
    const clients = await context.progress('asking the server', readAll(calls.list()))
    const rows = clients.map(({ client_id: id, status, name }) => [id, status, quoted(name)])
    const heading = ['CLIENT', 'STATUS', 'NAME, NOT VERIFIED']
    const table = rows.length === 0 ? 'no client is allowed or blocked' : columns([heading, ...rows])
    context.answer(
      { clients },
      table,
      clients.map(({ client_id: id }) => id),
    )
  },
})

async function readAll(clients: AsyncIterable<OperatorClient>): Promise<OperatorClient[]> {
  const all: OperatorClient[] = []
  for await (const client of clients) all.push(client)
  return all
}

function describe({ client_id, kind, status, name, put_at }: OperatorClient): string {
  return lines({ client: client_id, kind, status, 'name, not verified': quoted(name), since: put_at })
}

function quoted(name: string | null | undefined): string {
  return name ? JSON.stringify(name) : ''
}
