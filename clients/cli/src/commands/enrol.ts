import { stat } from 'node:fs/promises'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { fingerprint, parseDid } from '@auth4agent/core/identity/did'
import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import { type Enrolment, enrol, type SeedSigner, type Signer } from '@auth4agent/sdk'
import {
  type AgentConfig,
  createKeyFile,
  keyFileReference,
  loadSigner,
  pathsIn,
  readAgentConfig,
  readKeyFile,
  readOperatorConfig,
  updateAgentConfig,
} from '@auth4agent/sdk/node'
import { readSources, sourceFlags } from '../attestation/sources.ts'
import { usingNames } from '../attestation/using-names.ts'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags, suppliedFlags } from '../common-flags.ts'
import type { Context, Place } from '../context.ts'
import { nextLine } from '../next-line.ts'
import { chooseServer } from '../parties.ts'
import { columns, lines } from '../text.ts'

const flags = {
  ...serverFlags,
  ...sourceFlags,
  'operator-id': { ...suppliedFlags['operator-id'], more: 'its rule lets the agent enrol' },
  rule: { kind: 'text', value: 'NAME', help: 'the enrolment rule, if the evidence meets several' },
} as const

/** `agent enrol`: enrols an agent with evidence, and creates its key and configuration. */
export const enrolAgent = defineCommand({
  help: [
    'Enrols an agent by itself: without a secret in an image, and without a person. The evidence must meet an enrolment rule of the operator; then the agent is active, and may ask for the scopes of the rule. The command creates the key of the agent and agent.json if they are missing. The private key never leaves this machine.',
    'With the key of an agent that has enrolled before, it is the same agent, with new results. So run the command again when the results have expired.',
  ],
  examples: [
    {
      does: 'a pod, with its projected token',
      line: 'auth4agent agent enrol --with kubernetes --token-file /var/run/secrets/tokens/auth4agent --server https://auth.example.com --operator-id 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
    },
    {
      does: 'a machine, with a join token from standard input',
      line: 'auth4agent agent enrol --with join-token --token-file - --server https://auth.example.com --operator-id 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
    },
    {
      does: 'a machine with a certificate and a TPM',
      line: 'auth4agent agent enrol --with x509,tpm --certificate tls.crt --certificate-key tls.key --pcrs 0,7',
    },
  ],
  flags,
  folder: 'made',
  async run(context) {
    const { folder, progress, answer } = context
    const sources = readSources(context)
    const config = await readAgentConfig(folder)
    const operator = await chooseOperator(context, config)
    const server = await chooseServer(context)
    const key = await openKey(folder, config)
    const { fetch, signal } = context
    const rule = context.flags.text('rule')
    const work = usingNames(enrol({ ...server, fetch, operator, key, evidence: sources, rule, signal }))
    const enrolment = await progress('enrolling the agent', work)
    const { did } = enrolment
    await updateAgentConfig(folder, {
      did,
      operator_id: operator,
      server_url: server.server,
      public_key: encodeBase64(key.publicKey),
      key: config?.key ?? keyFileReference(folder, pathsIn(folder).agentKey),
      did_document: buildDidDocument({ did, status: 'active', publicKey: key.publicKey }),
      ...(server.issuer !== undefined && { issuer: server.issuer }),
    })
    answer(enrolment, describe(enrolment, context.place), [enrolment.did])
  },
})

/** Returns the operator of --operator-id, or else of agent.json, or else of operator.json. */
async function chooseOperator(
  { flags: given, folder }: Context<typeof flags>,
  config: AgentConfig | undefined,
): Promise<string> {
  const known = given.text('operator-id') ?? config?.operator_id
  const id = known || ((await readOperatorConfig(folder))?.id ?? '')
  if (isUuid(id)) return id
  throw usageError(
    id === '' ? 'Missing: --operator-id ID' : '--operator-id must be a UUID in lower case',
    'The operator sees its id with `auth4agent operator status`.',
  )
}

/** Opens the identity key of the folder, which may be from an attempt that was refused, or creates it. */
async function openKey(folder: string, config: AgentConfig | undefined): Promise<Signer | SeedSigner> {
  if (config !== undefined && config.did !== '') {
    const key = await loadSigner(folder, config)
    if (parseDid(config.did)?.fingerprint === fingerprint(key.publicKey)) return key
    throw configurationError(
      'The agent has replaced the key in its DID, so it cannot enrol again: with the new key it would be another agent',
      'Enrol another agent in another folder: --config FOLDER',
    )
  }
  const path = pathsIn(folder).agentKey
  return (await stat(path).catch(() => undefined)) === undefined ? createKeyFile(path) : readKeyFile(path)
}

function describe({ did, rule, scopes, results }: Enrolment, place: Place): string {
  const facts = lines({ did, rule, scopes: scopes.join(' '), folder: place.folder })
  const rows = results.map(({ attestor, type, level, expires_at }) => [attestor, type, level, expires_at])
  const table = columns([['ATTESTOR', 'TYPE', 'LEVEL', 'COUNTS UNTIL'], ...rows])
  const scope = scopes.length === 0 ? '' : ` --scope ${scopes.join(',')}`
  return `agent enrolled\n\n${facts}\n\n${table}\n\nnext:\n${nextLine(place, `token issue${scope} --aud AUDIENCE`)}`
}
