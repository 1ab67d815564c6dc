import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { usageError } from '../cli-error.ts'
import type { FlagReader } from '../flags.ts'
import { shared } from '../shared-flags.ts'
import { readDuration } from '../times.ts'
import type { PolicyChange, RuleChange } from './merge-policy.ts'
import { readUserFlags, userFlags } from './user-flags.ts'

const ON_OFF = ['on', 'off'] as const

/** The flags that change single members of a policy. */
export const policyFlags = {
  audience: { ...shared.audience, more: 'the flags up to --user-devices change its rule' },
  callers: {
    kind: 'list',
    value: 'DOMAINS',
    help: 'replaces the operators whose agents may ask for its tokens: domains, `*` for all, or `none`',
  },
  'add-caller': { kind: 'list', value: 'DOMAIN', help: 'adds one of these operators' },
  'remove-caller': { kind: 'list', value: 'DOMAIN', help: 'removes one of these operators' },
  'token-signing-alg': {
    kind: 'text',
    value: 'ALG',
    help: 'the algorithm that signs its tokens',
    choices: TOKEN_ALGORITHMS,
  },
  'dpop-rule': {
    aliases: ['dpop'],
    kind: 'text',
    value: 'RULE',
    help: 'whether its tokens must be bound to a key',
    choices: ['required', 'required-with-nonce', 'none'],
  },
  'token-status': {
    kind: 'text',
    value: 'RULE',
    help: 'where services that verify offline see that its tokens have ended',
    choices: ['status_list', 'none'],
  },
  ...userFlags,
  'remove-audience': { kind: 'list', value: 'URL', help: 'removes the rule for an audience' },
  'require-bound-challenges': {
    kind: 'text',
    value: 'on|off',
    help: 'demand challenges that contain scope, audience and lifetime',
    choices: ON_OFF,
  },
  'require-body-digest': {
    kind: 'text',
    value: 'on|off',
    help: 'demand the digest of the body in every assertion for a change',
    choices: ON_OFF,
  },
  'hide-allowed-scopes': {
    kind: 'text',
    value: 'on|off',
    help: 'leave out the scopes in the public answer about an agent',
    choices: ON_OFF,
  },
  'delegate-to': {
    kind: 'list',
    value: 'DOMAINS',
    help: 'domains whose agents may hold grants of your agents, separated by commas; `none` for only your own domain',
  },
  'max-grant-ttl': {
    kind: 'text',
    value: 'DURATION',
    help: 'longest lifetime of a grant or of a token with may_act, 1m to 1h',
  },
  'users-to': {
    kind: 'list',
    value: 'DOMAINS',
    help: 'domains of other operators to whose APIs your users may go, separated by commas; `none` for only your own',
  },
} as const

type Reader = FlagReader<typeof policyFlags>

/** Reads the changes that the flags name. Throws CliError. */
export function readPolicyFlags(flags: Reader): PolicyChange {
  const rule = readRule(flags)
  const removed = flags.list('remove-audience')
  const usersTo = domainsOf(flags.list('users-to'))
  return {
    ...(rule && { audiences: [rule] }),
    ...(removed.length > 0 && { removedAudiences: removed }),
    ...switchOf(flags.text('require-bound-challenges'), 'require_bound_challenges'),
    ...switchOf(flags.text('require-body-digest'), 'require_body_digest'),
    ...switchOf(flags.text('hide-allowed-scopes'), 'hide_allowed_scopes'),
    ...delegationOf(flags),
    ...(usersTo && { users_to: usersTo }),
  }
}

function readRule(flags: Reader): RuleChange | undefined {
  const audience = flags.text('audience')
  const [callers, added, removed] = (['callers', 'add-caller', 'remove-caller'] as const).map((name) =>
    domainsOf(flags.list(name)),
  )
  const terms = {
    token_signing_alg: flags.text('token-signing-alg'),
    dpop: flags.text('dpop-rule'),
    token_status: flags.text('token-status'),
  }
  const userChange = readUserFlags(flags, domainsOf(flags.list('user-domains')))
  const changes = {
    ...(userChange && { userChange }),
    ...(callers && { callers }),
    ...(added && { addedCallers: added }),
    ...(removed && { removedCallers: removed }),
    ...Object.fromEntries(
      Object.entries(terms).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value === 'none' ? '' : value]],
      ),
    ),
  }
  const isEmpty = Object.keys(changes).length === 0
  if (audience === undefined && isEmpty) return undefined
  if (audience === undefined) throw usageError('Name the audience whose rule to change: --audience URL')
  if (isEmpty) throw usageError('Name what to change for the audience, such as --add-caller DOMAIN')
  return { audience, ...changes }
}

/** Reads domains that are separated by commas. Returns undefined without any, and an empty list for `none`. */
function domainsOf(texts: readonly string[]): readonly string[] | undefined {
  const domains = texts.flatMap((text) => text.split(',')).map((text) => text.trim())
  if (domains.length === 0) return undefined
  return domains.join() === 'none' ? [] : domains
}

function switchOf(
  text: string | undefined,
  name: 'require_bound_challenges' | 'require_body_digest' | 'hide_allowed_scopes',
) {
  return text === undefined ? {} : { [name]: text === 'on' }
}

function delegationOf(flags: Reader): PolicyChange {
  const domains = domainsOf(flags.list('delegate-to'))
  const ttl = flags.text('max-grant-ttl')
  const seconds = ttl === undefined ? undefined : readDuration(ttl)
  if (ttl !== undefined && seconds === undefined) throw usageError('--max-grant-ttl must be a duration, such as 10m')
  return { ...(domains && { delegate_to: domains }), ...(seconds !== undefined && { max_grant_ttl: seconds }) }
}
