import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { NewEnrolmentRule } from '@auth4agent/sdk'
import { readJsonFile } from '../attestation/config-values.ts'
import { describeDryRun, describeEvidence } from '../attestation/dry-run-text.ts'
import { bindingFlags, readBinding, readEvidence, readEvidenceFile } from '../attestation/tried-evidence.ts'
import { usingNames } from '../attestation/using-names.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { attestorArgument } from './attestors.ts'

/** `enrolment-rule test`: tells what evidence would give. */
export const testRules = defineCommand({
  help: [
    'Explains what evidence would give: whether each attestor accepts it, which claims it has verified, which conditions of each rule are true or false and which values they have seen, and by which rule an agent would enrol. It changes nothing, and uses nothing up.',
    'With --rules, rules of a file are tried in place of those in force.',
  ],
  examples: [
    { does: "try a pod's token", line: 'auth4agent enrolment-rule test --evidence token.txt --attestor kubernetes' },
    {
      does: 'try a rule before it is in force',
      line: 'auth4agent enrolment-rule test --evidence token.txt --attestor kubernetes --rules rule.json',
    },
    {
      does: 'with evidence for two attestors',
      line: 'auth4agent enrolment-rule test --evidence ci=token.txt --evidence lab_tpm=quote.json',
    },
  ],
  flags: {
    ...operatorFlags,
    ...bindingFlags,
    evidence: {
      kind: 'list',
      value: 'FILE',
      help: 'file of evidence, - for standard input, or ATTESTOR=FILE; may be repeated',
      required: true,
    },
    attestor: { ...shared.attestor, more: 'needed if you have several attestors' },
    rules: { kind: 'text', value: 'FILE', help: 'JSON of a rule, or of an object with a list `rules`, to try instead' },
  },
  async run(context) {
    const { flags, readStdin } = context
    const [binding, file] = [readBinding(context), flags.text('rules')]
    const rules = file === undefined ? undefined : await readRules(file)
    const { attestation } = await openOperator(context)
    const evidence = await readEvidence(flags.list('evidence'), flags.text('attestor'), attestation, readStdin)
    const work = usingNames(attestation.tryRules({ ...binding, evidence, rules }))
    const tried = await context.progress('asking the server', work)
    context.answer(tried, describeDryRun(tried, context.style), [tried.chosen_rule || 'refused'])
    return tried.chosen_rule === '' ? 'refused' : 'ok'
  },
})

/** `attestor test`: tells what one attestor says about evidence. */
export const testAttestor = defineCommand({
  help: [
    'Shows what an attestor says about evidence: the claims that it has verified, their level and until when they count, or why it refuses the evidence. It changes nothing, and uses nothing up.',
  ],
  examples: [{ does: "a pod's token", line: 'auth4agent attestor test kubernetes --evidence token.txt' }],
  arguments: [attestorArgument],
  flags: {
    ...operatorFlags,
    ...bindingFlags,
    evidence: { kind: 'text', value: 'FILE', help: 'file of evidence; - for standard input', required: true },
  },
  async run(context) {
    const [attestor = ''] = context.arguments
    const binding = readBinding(context)
    const evidence = await readEvidenceFile(context.flags.required('evidence'), context.readStdin)
    const { attestation } = await openOperator(context)
    const work = attestation.tryRules({ ...binding, evidence: [{ attestor, evidence }] })
    const [tried] = (await context.progress('asking the server', work)).evidence
    if (tried === undefined) throw new Error('The server says nothing about the evidence')
    context.answer(tried, describeEvidence(tried, context.style), [tried.result === undefined ? 'refused' : 'accepted'])
    return tried.result === undefined ? 'refused' : 'ok'
  },
})

async function readRules(path: string): Promise<readonly NewEnrolmentRule[]> {
  const json = await readJsonFile(path, () => Promise.reject(usageError('--rules must be a file')))
  const rules: readonly unknown[] = Array.isArray(json.rules) ? json.rules : [json]
  const objects = rules.filter(isJsonObject)
  if (objects.length !== rules.length || objects.length === 0)
    throw usageError('--rules must be a file with a rule, or with a list `rules`')
  // A rule that is only tried may have no name yet.
  return objects.map((rule) => Object.assign({ name: 'tried' }, rule))
}
