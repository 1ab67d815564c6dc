import { readText } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { openOperator } from '../parties.ts'
import { readPolicyText } from '../policy-text.ts'
import { indented } from '../text.ts'

/** Shows the operator's policy. */
export const getPolicy = defineCommand({
  help: ["Shows the operator's policy as JSON: `auth4agent policy set` takes it as it is."],
  examples: [
    { does: 'on the terminal', line: 'auth4agent policy get' },
    { does: 'into a file, to change it', line: 'auth4agent policy get > policy.json' },
  ],
  flags: operatorFlags,
  async run(context) {
    const policy = await context.progress('asking the server', (await openOperator(context)).policy.get())
    context.answer(policy, indented(policy), indented(policy))
  },
})

const setFlags = {
  ...operatorFlags,
  file: { kind: 'text', value: 'FILE', help: 'the policy as JSON; - for standard input', required: true },
} as const

/** Replaces the operator's policy. */
export const setPolicy = defineCommand({
  help: [
    "Replaces the operator's policy as a whole: what the JSON leaves out is reset. A member that no policy has is refused.",
    '`audiences` says who else may ask for tokens for the APIs under your domain, and what signs them: `callers` are domains of other operators, or "*"; `token_signing_alg` is EdDSA, Ed25519, ES256 or RS256. `require_bound_challenges` demands of every agent that its signature covers scope, audience and ttl.',
  ],
  examples: [
    { does: 'what `policy get > policy.json` wrote, changed', line: 'auth4agent policy set --file policy.json' },
    {
      does: 'another operator may ask for tokens for your API',
      line: 'echo \'{"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}]}\' | auth4agent policy set --file -',
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
    throw configurationError(`there is no file ${path}`, 'Make it: `auth4agent policy get > FILE`')
  return text
}
