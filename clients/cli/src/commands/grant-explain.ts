import { defineCommand } from '../command.ts'
import { findingJson, findingText } from '../grants/chain-text.ts'
import { callFlags, checkGivenCall, readGivenCall } from '../grants/given-call.ts'
import { checkGivenProof, proofFlags, readGivenRequest } from '../grants/given-proof.ts'
import { grantArgument, inspectChain, inspectFlags, SERVER_USE } from '../grants/inspect-chain.ts'

/** `grant explain`: says why a chain is refused. */
export const explainGrant = defineCommand({
  help: [
    'Says why a chain of grants is refused: which grant, by which rule, which values it compares, and what to do. The exit code is 0 if nothing is wrong.',
    'With --capability and --arguments it also checks one call. With --method, --url and --proof it also checks the DPoP proof of a request.',
    SERVER_USE,
  ],
  examples: [
    { does: 'a chain in a file', line: 'auth4agent grant explain chain.txt' },
    {
      does: 'one call with the chain',
      line: `auth4agent grant explain chain.txt --capability 'https://pay.example.com#pay' --arguments '{"amount":501}'`,
    },
    {
      does: 'the proof of a request, in a file',
      line: 'auth4agent grant explain chain.txt --method POST --url https://pay.example.com/pay --proof @proof.txt',
    },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: { ...inspectFlags, ...callFlags, ...proofFlags },
  async run(context) {
    const [call, request] = [readGivenCall(context), await readGivenRequest(context)]
    const inspection = await inspectChain(context)
    const isChecked = request !== undefined && inspection.finding === undefined
    const proof = isChecked ? checkGivenProof(inspection, request, context.now() / 1000) : undefined
    const finding =
      inspection.finding ?? proof?.finding ?? (call === undefined ? undefined : checkGivenCall(inspection, call))
    const checked = call === undefined ? 'nothing is wrong with the chain' : 'the chain allows the call'
    context.answer(
      { accepted: finding === undefined, ...findingJson(finding), ...(finding === undefined && proof?.json) },
      finding === undefined
        ? [`accepted: ${checked}`, ...(proof === undefined ? [] : [proof.text])].join('\n')
        : findingText(finding, inspection.hops),
      finding?.reason ?? 'accepted',
    )
    return finding === undefined ? 'ok' : 'refused'
  },
})
