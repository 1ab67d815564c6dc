import { usageError } from '../cli-error.ts'
import type { FlagReader } from '../flags.ts'
import type { UserChange } from './merge-users.ts'

/** The flags that change which users may sign in for an audience. */
export const userFlags = {
  'user-domains': {
    kind: 'list',
    value: 'DOMAINS',
    help: 'replaces the operators whose users may sign in for it: domains, `*` for all, or `none`',
  },
  'user-scope': {
    kind: 'list',
    value: 'NAME=WORDS',
    help: 'adds a scope to which users can consent, with the words for the page of consent, or changes its words',
  },
  'remove-user-scope': { kind: 'list', value: 'NAME', help: 'removes one of these scopes' },
  'user-clients': {
    kind: 'text',
    value: 'RULE',
    help: 'which clients may act for users: those that you have allowed, or each that is no agent',
    choices: ['listed', 'any'],
  },
  'user-days': { kind: 'text', value: 'DAYS', help: 'how long a client may stay connected, 1 to 90 days' },
  'user-devices': {
    kind: 'text',
    value: 'on|off',
    help: 'let clients ask from devices without a browser, where the user types a code elsewhere',
    choices: ['on', 'off'],
  },
} as const

/** Reads the changes of users that the flags name. Returns undefined without any. Throws CliError. */
export function readUserFlags(
  flags: FlagReader<typeof userFlags>,
  domains: readonly string[] | undefined,
): UserChange | undefined {
  const scopes = flags.list('user-scope').map(readScope)
  const removedScopes = flags.list('remove-user-scope')
  const clients = flags.text('user-clients')
  const days = flags.text('user-days')
  const devices = flags.text('user-devices')
  if (days !== undefined && !/^[1-9]\d?$/.test(days)) throw usageError('--user-days must be a number from 1 to 90')
  const change = {
    ...(domains && { domains }),
    ...(scopes.length > 0 && { scopes }),
    ...(removedScopes.length > 0 && { removedScopes }),
    ...(clients !== undefined && { clients }),
    ...(days !== undefined && { max_days: Number(days) }),
    ...(devices !== undefined && { device: devices === 'on' }),
  }
  return Object.keys(change).length === 0 ? undefined : change
}

function readScope(text: string) {
  const at = text.indexOf('=')
  if (at < 1) throw usageError('--user-scope must be NAME=WORDS, such as orders:read="Read your orders"')
  return { name: text.slice(0, at), words: text.slice(at + 1) }
}
