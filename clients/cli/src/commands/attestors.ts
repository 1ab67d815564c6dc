import type { Attestor } from '@auth4agent/sdk'
import { readJsonFile, readSettings } from '../attestation/config-values.ts'
import { usingNames } from '../attestation/using-names.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, indented, lines } from '../text.ts'
import { readDuration } from '../times.ts'

/** The argument of commands about one attestor. */
export const attestorArgument = {
  name: 'NAME',
  help: 'name of the attestor: a letter of a-z, then a-z, 0-9 and _',
  required: true,
} as const

/** `attestor add`: creates or replaces an attestor. */
export const addAttestor = defineCommand({
  help: [
    'Adds an attestor: a source of evidence that you believe, with its trust roots. A rule or requirement can then name it. If an attestor of this name exists, it is replaced: its results go, and tokens that rest on them end, unless you give --keep-results.',
    'The configuration is the JSON of --file, and the settings of --setting. A setting is NAME=VALUE, or NAME=@FILE for a JWK Set, other JSON or certificates in PEM. docs/attestation.md has the settings of each type.',
  ],
  examples: [
    {
      does: 'pods of a cluster whose public keys you have in a file',
      line: 'auth4agent attestor add kubernetes --type kubernetes --setting issuer=https://kubernetes.default.svc.cluster.local --setting audience=auth4agent --setting jwks=@jwks.json --result-ttl 10m',
    },
    { does: 'agents with a join token', line: 'auth4agent attestor add join_token --type join-token --result-ttl 30d' },
    {
      does: 'machines with a certificate of your own CA',
      line: 'auth4agent attestor add machines --type x509 --setting roots=@ca.pem',
    },
    { does: 'with a whole configuration', line: 'auth4agent attestor add lab_tpm --type tpm --file tpm.json' },
  ],
  arguments: [attestorArgument],
  flags: {
    ...operatorFlags,
    type: {
      kind: 'text',
      value: 'TYPE',
      help: 'such as kubernetes, github-actions, gitlab, gcp, azure, oidc, spiffe-jwt, spiffe-x509, x509, tpm, eat, client-attestation or join-token',
      required: true,
    },
    file: { ...shared.file, more: 'the configuration as JSON' },
    setting: {
      aliases: ['set'],
      kind: 'list',
      value: 'NAME=VALUE',
      help: 'a setting of the configuration; may be repeated',
    },
    'result-ttl': {
      kind: 'text',
      value: 'DURATION',
      help: 'how long a result counts at most, 1m to 365d; by default 1h',
    },
    'keep-results': { kind: 'boolean', help: 'keep the results under the earlier configuration' },
  },
  async run(context) {
    const [name = ''] = context.arguments
    const { flags, readStdin } = context
    const ttl = flags.text('result-ttl')
    const resultTtl = ttl === undefined ? undefined : readDuration(ttl)
    if (ttl !== undefined && resultTtl === undefined)
      throw usageError('--result-ttl must be a duration', 'For example: --result-ttl 10m')
    const file = flags.text('file')
    const config = {
      ...(file === undefined ? {} : await readJsonFile(file, readStdin)),
      ...(await readSettings(flags.list('setting'))),
    }
    const keepResults = flags.on('keep-results') || undefined
    const { attestation } = await openOperator(context)
    const put = usingNames(
      attestation.putAttestor(name, { type: flags.required('type'), config, resultTtl, keepResults }),
    )
    const attestor = await context.progress('adding', put)
    context.answer(attestor, `attestor added\n\n${describe(attestor)}`, [attestor.name])
  },
})

/** `attestor list`: lists the attestors. */
export const listAttestors = defineCommand({
  help: ['Lists your attestors by name. --json shows their configurations too.'],
  examples: [
    { does: 'all attestors', line: 'auth4agent attestor list' },
    { does: 'with their configurations', line: 'auth4agent attestor list --json' },
  ],
  flags: operatorFlags,
  async run(context) {
    const { attestation } = await openOperator(context)
    const attestors = await context.progress('asking the server', attestation.attestors())
    const rows = attestors.map(({ name, type, result_ttl }) => [name, type, `${result_ttl}s`])
    const table = rows.length === 0 ? 'there is no attestor' : columns([['NAME', 'TYPE', 'RESULT TTL'], ...rows])
    const names = attestors.map(({ name }) => name)
    context.answer({ attestors }, table, names)
  },
})

/** `attestor delete`: deletes an attestor. */
export const deleteAttestor = defineCommand({
  help: [
    'Deletes an attestor with its results and its join tokens. Tokens that rest on the results end. Agents that need the attestor get no new tokens.',
  ],
  examples: [{ does: 'a cluster that is gone', line: 'auth4agent attestor delete kubernetes' }],
  arguments: [attestorArgument],
  flags: operatorFlags,
  async run(context) {
    const [name = ''] = context.arguments
    const { attestation } = await openOperator(context)
    const deleted_results = await context.progress('deleting', usingNames(attestation.deleteAttestor(name)))
    const text = lines({ name, 'deleted results': deleted_results })
    context.answer({ name, deleted_results }, `attestor deleted\n\n${text}`, [name])
  },
})

function describe({ name, type, config, result_ttl }: Attestor): string {
  return `${lines({ name, type, 'result ttl': `${result_ttl}s` })}\nconfig: ${indented(config)}`
}
