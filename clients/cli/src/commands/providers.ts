import type { IdentityProvider, RequiredClaim } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { usingNames } from '../attestation/using-names.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { openOperator } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

const nameArgument = {
  name: 'NAME',
  help: 'name of the identity provider: a letter of a-z, then a-z, 0-9 and -',
  required: true,
} as const

const putFlags = {
  ...operatorFlags,
  'client-id': { kind: 'text', value: 'ID', help: 'client id of the server at the provider', required: true },
  'client-secret': {
    kind: 'text',
    value: 'FILE',
    help: 'file of its client secret; - for standard input. Without it, the server keeps the secret that it has',
  },
  'auth-method': {
    kind: 'text',
    value: 'METHOD',
    help: 'how the secret is sent; by default client_secret_basic',
    choices: ['client_secret_basic', 'client_secret_post'],
  },
  scope: { ...shared.scope, more: 'by default openid, profile and email' },
  'subject-claim': {
    kind: 'text',
    value: 'CLAIM',
    help: 'the claim that identifies a user: sub (the default), or oid for Microsoft Entra ID',
    choices: ['sub', 'oid'],
  },
  'required-claim': {
    kind: 'list',
    value: 'NAME=VALUE',
    help: 'a claim that the ID token of each user must have, such as hd=acme.example; may be repeated',
  },
  'all-users': { kind: 'boolean', help: 'all users of the provider are your users' },
  signals: {
    kind: 'text',
    value: 'KIND',
    help: 'how the server learns that the provider has ended a user: none (the default); ssf, by security events; logout, by logout tokens; or refresh, by asking again with its refresh token',
    choices: ['none', 'ssf', 'logout', 'refresh'],
  },
  'on-logout': {
    kind: 'text',
    value: 'WHAT',
    help: 'what a logout at the provider ends: sessions (the default), or tokens, which means everything that acts for the user',
    choices: ['sessions', 'tokens'],
  },
  'groups-claim': { kind: 'text', value: 'CLAIM', help: 'the claim with the groups of a user, such as groups' },
} as const

/** `provider put`: creates or replaces an identity provider. */
export const putProvider = defineCommand({
  help: [
    'Says at which OpenID provider your users sign in. The server reads the metadata of the provider before it stores anything. If an identity provider of this name exists, it is replaced: the tokens of its users end if it changes in more than the secret and how the secret is sent.',
    'Some providers also vouch for strangers: everybody can have an account at https://accounts.google.com. So say with --required-claim which of its users are yours, or say --all-users.',
  ],
  examples: [
    {
      does: 'a provider that has only your users',
      line: 'auth4agent provider put work https://login.acme.example --client-id auth4agent --client-secret secret.txt --all-users',
    },
    {
      does: 'a provider that tells the server by security events when it ends a user',
      line: 'auth4agent provider put work https://login.acme.example --client-id auth4agent --client-secret secret.txt --all-users --signals ssf',
    },
    {
      does: 'the users of your domain at Google',
      line: 'auth4agent provider put google https://accounts.google.com --client-id 123.apps.googleusercontent.com --client-secret secret.txt --required-claim hd=acme.example',
    },
  ],
  arguments: [
    nameArgument,
    { name: 'ISSUER', help: 'the issuer, exactly as the metadata of the provider names it', required: true },
  ],
  flags: putFlags,
  async run(context) {
    const [name = '', issuer = ''] = context.arguments
    const { flags } = context
    const scopes = readScopes(flags.list('scope'))
    const wanted = {
      issuer,
      client_id: flags.required('client-id'),
      client_secret: await readSecret(context),
      token_endpoint_auth_method: flags.text('auth-method'),
      scopes: scopes.length === 0 ? undefined : scopes,
      subject_claim: flags.text('subject-claim'),
      required_claims: flags.list('required-claim').map(readClaim),
      all_users: flags.on('all-users'),
      groups_claim: flags.text('groups-claim'),
      signals: flags.text('signals'),
      on_logout: flags.text('on-logout'),
    }
    const { providers } = await openOperator(context)
    const provider = await context.progress('asking the provider', usingNames(providers.put(name, wanted)))
    context.answer(provider, `identity provider stored\n\n${describe(provider)}`, [provider.name])
  },
})

/** `provider list`: lists the identity providers. */
export const listProviders = defineCommand({
  help: ['Lists your identity providers by name. --json shows everything that you have said about them.'],
  examples: [{ does: 'all identity providers', line: 'auth4agent provider list' }],
  flags: operatorFlags,
  async run(context) {
    const { providers: calls } = await openOperator(context)
    const providers = await context.progress('asking the server', calls.list())
    const rows = providers.map((each) => [each.name, each.issuer, each.client_id, each.signals, usersOf(each)])
    const heading = ['NAME', 'ISSUER', 'CLIENT ID', 'SIGNALS', 'USERS']
    const table = rows.length === 0 ? 'there is no identity provider' : columns([heading, ...rows])
    context.answer(
      { providers },
      table,
      providers.map(({ name }) => name),
    )
  },
})

/** `provider remove`: removes an identity provider. */
export const removeProvider = defineCommand({
  help: ['Removes an identity provider. When the command returns, no token of its users is accepted any more.'],
  examples: [{ does: 'a provider that you no longer use', line: 'auth4agent provider remove work' }],
  arguments: [nameArgument],
  flags: operatorFlags,
  async run(context) {
    const [name = ''] = context.arguments
    const { providers } = await openOperator(context)
    const provider = await context.progress('removing', usingNames(providers.remove(name)))
    context.answer(provider, `identity provider removed\n\n${describe(provider)}`, [provider.name])
  },
})

async function readSecret({ flags, readStdin }: Context<typeof putFlags>): Promise<string | undefined> {
  const path = flags.text('client-secret')
  if (path === undefined) return undefined
  if (path === '-' && flags.text('key') === '-') {
    throw usageError('Only one of --client-secret and --key can be - for standard input')
  }
  const text = path === '-' ? await readStdin() : await readText(path, { secret: true })
  if (text === undefined) throw configurationError(`There is no file at ${shown(path)}`, 'Name the file of the secret.')
  return text.trim()
}

function readClaim(text: string): RequiredClaim {
  const at = text.indexOf('=')
  if (at < 1) throw usageError('--required-claim must be NAME=VALUE', 'For example: --required-claim hd=acme.example')
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

function describe(provider: IdentityProvider): string {
  const { name, id, issuer, client_id, token_endpoint_auth_method, scopes, subject_claim } = provider
  const { groups_claim, signals, signals_bound, signals_uri } = provider
  return lines({
    name,
    id,
    issuer,
    'client id': client_id,
    'secret sent by': token_endpoint_auth_method,
    scopes: scopes.join(' '),
    'subject claim': subject_claim,
    users: usersOf(provider),
    'groups claim': groups_claim ?? undefined,
    signals: [signals, signals_bound ?? ''].filter((part) => part !== '').join(': '),
    'signals to': signals_uri ?? undefined,
  })
}

function usersOf({ required_claims }: IdentityProvider): string {
  if (required_claims.length === 0) return 'all'
  return required_claims.map(({ name, value }) => `${name}=${value}`).join(', ')
}
