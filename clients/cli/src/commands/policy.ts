import type { OperatorPolicy } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import type { FlagReader } from '../flags.ts'
import { openOperator } from '../parties.ts'
import { readPolicyText } from '../policy-text.ts'
import { indented } from '../text.ts'
import { readDuration } from '../times.ts'

/** `policy get`: shows the operator's policy. */
export const getPolicy = defineCommand({
  help: ["Prints the operator's policy as JSON. `auth4agent policy set` accepts the same JSON."],
  examples: [
    { does: 'show the policy', line: 'auth4agent policy get' },
    { does: 'write it to a file, to change it', line: 'auth4agent policy get > policy.json' },
  ],
  flags: operatorFlags,
  async run(context) {
    const policy = await context.progress('asking the server', (await openOperator(context)).policy.get())
    context.answer(policy, indented(policy), indented(policy))
  },
})

const SETTINGS = '--file, --require-body-digest, --hide-allowed-scopes, --delegate-to or --max-grant-ttl'
const ON_OFF = ['on', 'off'] as const
const setFlags = {
  ...operatorFlags,
  file: { kind: 'text', value: 'FILE', help: 'file with the whole policy as JSON; - for standard input' },
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
} as const

/** `policy set`: replaces the operator's policy, or changes single settings. */
export const setPolicy = defineCommand({
  help: [
    "Replaces the operator's whole policy by the JSON of --file. Members that the JSON omits get their default values; only `delegate_to` and `max_grant_ttl` then stay as they are, because their defaults could end tokens and grants. The command refuses unknown members. Without --file, it changes only the settings of the other flags, and keeps all others.",
    'Each entry of `audiences` sets rules for one API under your domain. `callers` lists the domains of other operators whose agents may ask for tokens for this API; "*" means all operators. `token_signing_alg` is the algorithm that signs these tokens: EdDSA, Ed25519, ES256 or RS256. `dpop` says whether these tokens must be bound to a key by DPoP (RFC 9449): empty for no, `required`, or `required-with-nonce` if the proof must also contain a nonce of the server. `token_status` says where a service that verifies tokens offline sees that a token has ended: empty for nowhere, or `status_list`.',
    'If `require_bound_challenges` is true, each of your agents must sign bound challenges, which contain scope, audience and lifetime.',
    'If `require_body_digest` is true, an assertion for a change must contain the digest of the body, so nobody between can change the body. This tool and the SDK always send it. If `hide_allowed_scopes` is true, only you see the scopes of your agents.',
    '`delegate_to` lists the domains whose agents may hold grants that come from your agents; your own domain is always allowed. `max_grant_ttl` is the longest lifetime of a grant, or of a token that another agent may exchange, in seconds; 0 means one hour. If you remove a domain or shorten the lifetime, all tokens and grants of your agents end.',
  ],
  examples: [
    {
      does: 'set the policy that `policy get > policy.json` wrote and that you changed',
      line: 'auth4agent policy set --file policy.json',
    },
    { does: 'change one setting', line: 'auth4agent policy set --hide-allowed-scopes on' },
    {
      does: 'let agents of a partner hold grants',
      line: 'auth4agent policy set --delegate-to example.org --max-grant-ttl 10m',
    },
    {
      does: 'let agents of another operator ask for tokens for your API',
      line: 'echo \'{"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}]}\' | auth4agent policy set --file -',
    },
    {
      does: 'accept only tokens that are bound to a key at your API',
      line: 'echo \'{"audiences":[{"audience":"https://api.example.com","dpop":"required"}]}\' | auth4agent policy set --file -',
    },
  ],
  flags: setFlags,
  async run(context) {
    const { flags, progress, note } = context
    const file = flags.text('file')
    const changes = {
      ...switchOf(flags.text('require-body-digest'), 'require_body_digest'),
      ...switchOf(flags.text('hide-allowed-scopes'), 'hide_allowed_scopes'),
      ...delegationOf(flags),
    }
    if (file === undefined && Object.keys(changes).length === 0) throw usageError(`Name what to set: ${SETTINGS}`)
    const given = file === undefined ? undefined : readPolicyText(await readSource(file, context))
    const operator = await openOperator(context)
    const wanted = { ...given, ...changes }
    const isWhole = given !== undefined && KEPT.every((name) => wanted[name] !== undefined)
    const before = isWhole ? undefined : await progress('asking the server', operator.policy.get())
    const kept = given === undefined ? before : keptOf(before)
    const set = await progress('setting the policy', operator.policy.set({ ...kept, ...wanted }))
    context.answer(set, `policy set\n\n${indented(set)}`, indented(set))
    if (given === undefined) return
    if (given.require_body_digest === undefined && set.require_body_digest === false)
      note('require_body_digest is off, because the JSON omits it')
    for (const name of KEPT) {
      const value = String(set[name] ?? '')
      if (wanted[name] === undefined && value !== '' && value !== '0')
        note(`${name} is still ${value}, because the JSON omits it`)
    }
  },
})

/** Members that a file may omit without a change. Their defaults could end all tokens and grants of the operator. */
const KEPT = ['delegate_to', 'max_grant_ttl'] as const

function keptOf(before: Partial<OperatorPolicy> = {}): Partial<OperatorPolicy> {
  return Object.fromEntries(KEPT.filter((name) => name in before).map((name) => [name, before[name]]))
}

function switchOf(text: string | undefined, name: 'require_body_digest' | 'hide_allowed_scopes') {
  return text === undefined ? {} : { [name]: text === 'on' }
}

function delegationOf(flags: FlagReader<typeof setFlags>) {
  const domains = flags
    .list('delegate-to')
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
  const ttl = flags.text('max-grant-ttl')
  const seconds = ttl === undefined ? undefined : readDuration(ttl)
  if (ttl !== undefined && seconds === undefined) throw usageError('--max-grant-ttl must be a duration, such as 10m')
  return {
    ...(domains.length > 0 && { delegate_to: domains.join() === 'none' ? [] : domains }),
    ...(seconds !== undefined && { max_grant_ttl: seconds }),
  }
}

async function readSource(path: string, { readStdin }: Context<typeof setFlags>): Promise<string> {
  if (path === '-') return readStdin()
  const text = await readText(path)
  if (text === undefined)
    throw configurationError(`The file ${path} does not exist`, 'Create it: `auth4agent policy get > FILE`')
  return text
}
