import { readArguments } from '@auth4agent/core/delegation/call-arguments'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { isCapability } from '@auth4agent/core/delegation/parse-capabilities'
import { checkCall } from '@auth4agent/core/delegation/permits'
import { type JsonObject, parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { chainJson, chainText, findingJson, findingText } from '../grants/chain-text.ts'
import { readGrantFile } from '../grants/grant-file.ts'
import {
  explainRefusal,
  type Finding,
  grantArgument,
  type Inspection,
  inspectChain,
  inspectFlags,
} from '../grants/inspect-chain.ts'
import { inspectToken } from '../grants/inspect-token.ts'
import { tokenJson, tokenText } from '../grants/token-text.ts'

const SERVER_USE =
  'With a configured server, the command checks the signatures with the keys of the server, and asks it for revocations. Otherwise it checks the rules, and the signatures of the agents.'

/** `grant inspect`: shows every grant of a chain, or every party of a delegated token. */
export const inspectGrant = defineCommand({
  help: [
    'Shows a chain of grants: who gave each grant to whom, how it is narrower than the grant before, until when it is valid, and its state. The exit code is 1 if the chain is not valid.',
    'A delegated token, which comes from an exchange, is shown as well: who acts for whom, and what it allows.',
    SERVER_USE,
  ],
  examples: [
    { does: 'a chain in a file', line: 'auth4agent grant inspect chain.txt' },
    { does: 'a chain from a pipe, without a server', line: 'auth4agent grant inspect - --offline < chain.txt' },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: inspectFlags,
  async run(context) {
    const nowS = context.now() / 1000
    const text = await readGrantFile(context)
    if (isDelegatedToken(text)) {
      const inspection = await inspectToken(context, text)
      const { finding } = inspection
      context.answer(tokenJson(inspection), tokenText(inspection, context.style), finding?.reason ?? 'valid')
      return finding === undefined ? 'ok' : 'refused'
    }
    const inspection = await inspectChain(context, text)
    const { finding } = inspection
    context.answer(chainJson(inspection, nowS), chainText(inspection, nowS, context.style), finding?.reason ?? 'valid')
    return finding === undefined ? 'ok' : 'refused'
  },
})

/** `grant explain`: says why a chain is refused. */
export const explainGrant = defineCommand({
  help: [
    'Says why a chain of grants is refused: which grant, by which rule, and what to do. With --capability and --arguments it also checks one call. The exit code is 0 if nothing is wrong.',
    SERVER_USE,
  ],
  examples: [
    { does: 'a chain in a file', line: 'auth4agent grant explain chain.txt' },
    {
      does: 'one call with the chain',
      line: `auth4agent grant explain chain.txt --capability 'https://pay.example.com#pay' --arguments '{"amount":501}'`,
    },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: {
    ...inspectFlags,
    capability: { kind: 'text', value: 'CAPABILITY', help: 'the capability that a call needs: AUDIENCE#SCOPE' },
    arguments: { kind: 'text', value: 'JSON', help: 'with --capability: the arguments of the call, a JSON object' },
  },
  async run(context) {
    const { flags, answer } = context
    const call = readCall(flags.text('capability'), flags.text('arguments'))
    const inspection = await inspectChain(context)
    const finding = inspection.finding ?? (call && refusedCall(inspection, call))
    const json = { accepted: finding === undefined, ...findingJson(finding) }
    const accepted =
      call === undefined ? 'accepted: nothing is wrong with the chain' : 'accepted: the chain allows the call'
    answer(
      json,
      finding === undefined ? accepted : findingText(finding, inspection.hops),
      finding?.reason ?? 'accepted',
    )
    return finding === undefined ? 'ok' : 'refused'
  },
})

interface GivenCall {
  readonly capability: string
  readonly args: JsonObject | undefined
}

function readCall(capability: string | undefined, text: string | undefined): GivenCall | undefined {
  if (capability === undefined) {
    if (text !== undefined) throw usageError('--arguments must come with --capability')
    return undefined
  }
  if (!isCapability(capability)) {
    throw usageError(
      '--capability must be an audience and a scope',
      "For example: 'https://api.example.com#orders:read'",
    )
  }
  if (text === undefined) return { capability, args: undefined }
  const json = parseStrictJsonText(text)
  if (!json.ok) throw usageError('--arguments must be a JSON object', `For example: '{"amount":100}'`)
  return { capability, args: json.value }
}

function refusedCall({ hops }: Inspection, { capability, args }: GivenCall): Finding | undefined {
  const allowed = hops.map((hop) => hop.capabilities)
  const read = readArguments(args)
  const refusal = read.ok ? checkCall(allowed, capability, read.args) : read
  return refusal && explainRefusal(refusal)
}
