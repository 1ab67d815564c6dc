import { readText } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openOperator } from '../parties.ts'
import { readPolicyText } from '../policy-text.ts'
import { indented } from '../text.ts'

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

const setFlags = {
  ...operatorFlags,
  file: { kind: 'text', value: 'FILE', help: 'file with the policy as JSON; - for standard input', required: true },
} as const

/** `policy set`: replaces the operator's policy. */
export const setPolicy = defineCommand({
  help: [
    "Replaces the operator's whole policy. Members that the JSON omits get their default values. The command refuses unknown members.",
    'Each entry of `audiences` sets rules for one API under your domain. `callers` lists the domains of other operators whose agents may ask for tokens for this API; "*" means all operators. `token_signing_alg` is the algorithm that signs these tokens: EdDSA, Ed25519, ES256 or RS256. `dpop` says whether these tokens must be bound to a key by DPoP (RFC 9449): empty for no, `required`, or `required-with-nonce` if the proof must also contain a nonce of the server.',
    'If `require_bound_challenges` is true, each of your agents must sign bound challenges, which contain scope, audience and lifetime.',
  ],
  examples: [
    {
      does: 'set the policy that `policy get > policy.json` wrote and that you changed',
      line: 'auth4agent policy set --file policy.json',
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
    const policy = readPolicyText(await readSource(context))
    const set = await context.progress('setting the policy', (await openOperator(context)).policy.set(policy))
    context.answer(set, `policy set\n\n${indented(set)}`, indented(set))
  },
})

async function readSource({ flags, readStdin }: Context<typeof setFlags>): Promise<string> {
  const path = flags.required('file')
  if (path === '-') return readStdin()
  const text = await readText(path)
  if (text === undefined)
    throw configurationError(`The file ${path} does not exist`, 'Create it: `auth4agent policy get > FILE`')
  return text
}
