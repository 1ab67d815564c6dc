import type { AttestationRequirement } from '@auth4agent/sdk'
import { readRequirement, requirementFlags } from '../attestation/policy-flags.ts'
import { usingNames } from '../attestation/using-names.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { columns, facts } from '../text.ts'
import { attestorsOf } from './rules.ts'

const requirementArgument = {
  name: 'NAME',
  help: 'name of the requirement: 1 to 63 characters of a-z, 0-9 and -',
  required: true,
} as const

/** `requirement set`: creates or replaces a requirement. */
export const setRequirement = defineCommand({
  help: [
    'Sets a requirement: agents get the tokens to which it applies only with current results of attestation. It applies to a request that matches each of --for-agent, --scope and --aud; a flag that is left out matches all. If a requirement of this name exists, it is replaced.',
  ],
  examples: [
    {
      does: 'a scope that needs a TPM',
      line: 'auth4agent requirement set payments --scope payments:* --all-of lab_tpm --level hardware --max-age 10m',
    },
    { does: 'from a file', line: 'auth4agent requirement set payments --file payments.json' },
  ],
  arguments: [requirementArgument],
  flags: { ...operatorFlags, ...requirementFlags },
  async run(context) {
    const [name = ''] = context.arguments
    const given = await readRequirement(context)
    const { attestation } = await openOperator(context)
    const put = usingNames(attestation.putRequirement(name, given))
    const requirement = await context.progress('setting the requirement', put)
    context.answer(requirement, `requirement set\n\n${facts(requirement)}`, [requirement.name])
  },
})

/** `requirement list`: lists the requirements. */
export const listRequirements = defineCommand({
  help: ['Lists your requirements by name. --json shows them whole, as `requirement set --file` accepts each.'],
  examples: [{ does: 'all requirements', line: 'auth4agent requirement list' }],
  flags: operatorFlags,
  async run(context) {
    const { attestation } = await openOperator(context)
    const requirements = await context.progress('asking the server', attestation.requirements())
    const names = requirements.map(({ name }) => name)
    context.answer({ requirements }, requirementTable(requirements), names)
  },
})

/** `requirement delete`: deletes a requirement. */
export const deleteRequirement = defineCommand({
  help: ['Deletes a requirement. The tokens to which it applied need no results any more.'],
  examples: [{ does: 'a demand that has ended', line: 'auth4agent requirement delete payments' }],
  arguments: [requirementArgument],
  flags: operatorFlags,
  async run(context) {
    const [name = ''] = context.arguments
    const { attestation } = await openOperator(context)
    await context.progress('deleting', usingNames(attestation.deleteRequirement(name)))
    context.answer({ name }, `requirement deleted\n\nname: ${name}`, [name])
  },
})

function requirementTable(requirements: readonly AttestationRequirement[]): string {
  if (requirements.length === 0) return 'there is no requirement'
  const rows = requirements.map(({ name, agents, scopes, audiences, all_of, any_of, level }) => [
    name,
    attestorsOf(all_of, any_of),
    level || 'bearer',
    all(scopes),
    all(audiences),
    all(agents),
  ])
  return columns([['NAME', 'ATTESTORS', 'LEVEL', 'SCOPES', 'AUDIENCES', 'AGENTS'], ...rows])
}

function all(values: readonly string[] | null | undefined): string {
  return values && values.length > 0 ? values.join(' ') : 'all'
}
