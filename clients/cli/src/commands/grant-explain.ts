import { defineCommand } from '../command.ts'
import type { Base } from '../context.ts'
import { askAboutCall } from '../grants/ask-about-call.ts'
import { findingJson, findingText } from '../grants/chain-text.ts'
import { callFlags, checkGivenCall, type GivenCall, readGivenCall } from '../grants/given-call.ts'
import { checkGivenProof, proofFlags, readGivenRequest } from '../grants/given-proof.ts'
import {
  type Finding,
  grantArgument,
  type Inspection,
  inspectChain,
  inspectFlags,
  SERVER_USE,
} from '../grants/inspect-chain.ts'
import { outcomeOf } from '../grants/outcome.ts'

/** `grant explain`: says why a chain is refused. */
export const explainGrant = defineCommand({
  help: [
    'Says why a chain of grants is refused: which grant, by which rule, which values it compares, and what to do.',
    'With --capability and --arguments it also checks one call. Then it asks the server whether the server accepts this call: only the server knows whether the owner of the audience lets every holder of the chain call. With --method, --url and --proof it also checks the DPoP proof of a request.',
    SERVER_USE,
    'The exit code is 0 if the server accepts the call, or if nothing is wrong with the chain and no call is given. It is 1 if something is wrong. It is 3 if nothing is wrong, but no server was asked. What was not checked is in the answer, and in `not_checked` of the JSON; `accepted` is then null.',
  ],
  examples: [
    { does: 'a chain in a file', line: 'auth4agent grant explain chain.txt' },
    {
      does: 'one call with the chain',
      line: `auth4agent grant explain chain.txt --capability 'https://pay.example.com#pay' --arguments '{"amount":501}'`,
    },
    {
      does: 'the proof of a request, in a file',
      line: 'auth4agent grant explain chain.txt --method POST --url https://pay.example.com/pay --dpop-proof @proof.txt',
    },
  ],
  arguments: [{ ...grantArgument, required: true }],
  flags: { ...inspectFlags, ...callFlags, ...proofFlags },
  async run(context) {
    const [call, request] = [readGivenCall(context), await readGivenRequest(context)]
    const inspection = await inspectChain(context)
    const isChecked = request !== undefined && inspection.finding === undefined
    const proof = isChecked ? checkGivenProof(inspection, request, context.now() / 1000) : undefined
    const local =
      inspection.finding ?? proof?.finding ?? (call === undefined ? undefined : checkGivenCall(inspection, call))
    const finding = local ?? (await askServer(inspection, call, context))
    if (finding !== undefined) {
      const json = { accepted: false, ...findingJson(finding) }
      context.answer(json, findingText(finding, inspection.hops), finding.reason)
      return 'refused'
    }
    const { word, text, exit, notChecked, json } = outcomeOf(inspection.server !== undefined, call !== undefined)
    const unchecked = notChecked === undefined ? [] : [`not checked: ${notChecked}`]
    const told = [`${word}: ${text}`, ...(proof === undefined ? [] : [proof.text]), ...unchecked]
    context.answer({ ...json, ...proof?.json }, told.join('\n'), word)
    return exit
  },
})

async function askServer(
  inspection: Inspection,
  call: GivenCall | undefined,
  { fetch, progress }: Pick<Base, 'fetch' | 'progress'>,
): Promise<Finding | undefined> {
  const { server } = inspection
  if (server === undefined || call === undefined) return undefined
  return progress('asking the server', askAboutCall(inspection, call, { server, fetch }))
}
