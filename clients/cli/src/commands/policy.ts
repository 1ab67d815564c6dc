import type { OperatorPolicy } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openOperator } from '../parties.ts'
import { mergePolicy, type PolicyChange, replacePolicy } from '../policy/merge-policy.ts'
import { type Difference, describeDifference, policyDifferences } from '../policy/policy-changes.ts'
import { policyFlags, readPolicyFlags } from '../policy/policy-flags.ts'
import { describePolicy } from '../policy/policy-words.ts'
import { readPolicyText } from '../policy/read-policy.ts'
import { shared } from '../shared-flags.ts'
import { plain } from '../text.ts'

/** `policy show`: shows the operator's policy. */
export const getPolicy = defineCommand({
  help: [
    "Shows the operator's policy. With --json it prints what `auth4agent policy set --file` reads. `etag` is the version of the policy: a file with it changes only this version.",
  ],
  examples: [
    { does: 'show the policy', line: 'auth4agent policy show' },
    { does: 'write it to a file, to change it', line: 'auth4agent policy show --json > policy.json' },
  ],
  flags: operatorFlags,
  async run(context) {
    const policy = await context.progress('asking the server', (await openOperator(context)).policy.get())
    const text = describePolicy(policy)
    context.answer(policy, text, text.split('\n'))
  },
})

const setFlags = {
  ...operatorFlags,
  ...policyFlags,
  file: { ...shared.file, more: 'a policy as JSON, or some of its members' },
  replace: { kind: 'boolean', help: 'with --file: reset everything that the file does not name' },
  yes: { ...shared.yes, more: 'with --replace' },
} as const

/** `policy set`: changes the operator's policy. */
export const setPolicy = defineCommand({
  help: [
    'Changes what the flags or the JSON of --file name, and keeps everything else. A rule in `audiences` changes the rule for the same audience; the rules for other audiences stay, and so do the members that it does not name. It prints what has changed: `weaker` marks settings that demand less than before.',
    'With --replace, the JSON of --file becomes the whole policy, and every member that it omits gets its default value. The command shows the changes and asks. Where it cannot ask, as in a script, it changes nothing without --yes.',
    'If somebody else changes the policy at the same time, the command changes nothing and says so. A file with `etag` changes only that version of the policy.',
    'The rule for an audience is about one API under your domain. --callers lists the domains of other operators whose agents may ask for tokens for it. A token ends with the entry that allowed it, also if `*` takes the place of this entry; the agent can get a new one at once. --token-signing-alg is the algorithm that signs these tokens. --dpop-rule says whether these tokens must be bound to a key by DPoP (RFC 9449); with `required-with-nonce` the proof must also contain a nonce of the server. --token-status says where a service that verifies tokens offline sees that a token has ended. In JSON, an empty text means none.',
    'No user may sign in for an audience without a rule that says so. --user-domains lists the operators whose users may, and --user-scope each scope to which they can consent. Groups and defaults of scopes are in the JSON of --file: {"audiences":[{"audience":"https://api.example.com","users":{"domains":["example.com"],"scopes":[{"name":"orders:read","words":"Read your orders","groups":["staff"],"is_default":true}],"clients":"listed","max_days":30,"device":true}}]}. There, `users` replaces the whole of it, and null lets no user in. If the rule allows less than before, all tokens for users of the audience end. --users-to is about your own users: it lists the other operators to whose APIs they may go.',
    'With --require-bound-challenges, each of your agents must sign bound challenges, which contain scope, audience and lifetime. With --require-body-digest, an assertion for a change must contain the digest of the body, so nobody between can change the body. This tool and the SDK always send it. With --hide-allowed-scopes, only you see the scopes of your agents.',
    '--delegate-to lists the domains whose agents may hold grants that come from your agents; your own domain is always allowed. --max-grant-ttl is the longest lifetime of a grant, or of a token that another agent may exchange. If you remove a domain or shorten the lifetime, all tokens and grants of your agents end.',
  ],
  examples: [
    { does: 'change one setting', line: 'auth4agent policy set --hide-allowed-scopes on' },
    {
      does: 'let agents of another operator ask for tokens for your API',
      line: 'auth4agent policy set --audience https://api.example.com --add-caller example.org',
    },
    {
      does: 'accept only tokens that are bound to a key at your API',
      line: 'auth4agent policy set --audience https://api.example.com --dpop-rule required',
    },
    {
      does: 'let your own users connect programs to your API',
      line: "auth4agent policy set --audience https://api.example.com --user-domains example.com --user-scope 'orders:read=Read your orders' --user-clients any",
    },
    {
      does: 'let agents of a partner hold grants',
      line: 'auth4agent policy set --delegate-to example.org --max-grant-ttl 10m',
    },
    {
      does: 'set what `policy show --json > policy.json` wrote and you changed, also what you removed from it',
      line: 'auth4agent policy set --file policy.json --replace',
    },
  ],
  flags: setFlags,
  async run(context) {
    const { flags, progress, answer } = context
    const [file, replaces] = [flags.text('file'), flags.on('replace')]
    if (file === undefined && replaces) throw usageError('--replace needs --file, which has the whole policy')
    const change = readPolicyFlags(flags)
    if (file === undefined && Object.keys(change).length === 0)
      throw usageError('Name what to set', '`auth4agent policy set --help` has examples.')
    const given = file === undefined ? {} : readPolicyText(await readSource(file, context))
    const operator = await openOperator(context)
    const before = await progress('asking the server', operator.policy.get())
    const wanted = wantedOf(before, replaces, given, change)
    const differences = policyDifferences(before, wanted)
    if (differences.length === 0) return answer(before, 'policy unchanged', quietly(before))
    if (replaces && !flags.on('yes')) await confirm(differences, context)
    const set = await progress('setting the policy', operator.policy.set(wanted))
    answer(set, `policy set\n\n${written(policyDifferences(before, set)).join('\n')}`, quietly(set))
  },
})

function wantedOf(before: OperatorPolicy, replaces: boolean, given: PolicyChange, change: PolicyChange) {
  return mergePolicy(replaces ? replacePolicy(before, given) : mergePolicy(before, given), change)
}

/** Shows the differences and asks. Throws CliError without a clear yes, also where nobody can be asked. */
async function confirm(differences: readonly Difference[], { ask, note, json, quiet }: Context<typeof setFlags>) {
  const changes = written(differences)
  const advice = 'To make these changes, add --yes. To keep what the file does not name, leave out --replace.'
  if (ask === undefined || json || quiet)
    throw usageError('--yes is missing: --replace resets what the file does not name', [...changes, advice].join('\n'))
  note('This changes:')
  for (const line of changes) note(`  ${line}`)
  if (!/^y(es)?$/i.test((await ask('Set this policy? [y/N] ')).trim()))
    throw usageError('The policy was not set, because the answer was not yes')
}

function written(differences: readonly Difference[]): readonly string[] {
  return differences.map((difference) => plain(describeDifference(difference)))
}

function quietly(policy: OperatorPolicy): readonly string[] {
  return describePolicy(policy).split('\n')
}

async function readSource(path: string, { readStdin }: Context<typeof setFlags>): Promise<string> {
  if (path === '-') return readStdin()
  const text = await readText(path)
  if (text === undefined)
    throw configurationError(`The file ${path} does not exist`, 'Create it: `auth4agent policy show --json > FILE`')
  return text
}
