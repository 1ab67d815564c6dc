import { join } from 'node:path'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type SeedSigner, signKeyRequest } from '@auth4agent/sdk'
import {
  createKeyFile,
  keyFileReference,
  loadOperationalKey,
  loadSigner,
  type OperatorConfig,
  readOperatorConfig,
  updateOperatorConfig,
  writeText,
} from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags, suppliedFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { checkLabel, readRoles, termFlags } from '../key-terms.ts'
import { chooseServer, chooseServerOf, knowsServer } from '../parties.ts'
import { normalizeDomain } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'

const requestFlags = {
  ...serverFlags,
  label: { ...shared.label, more: 'the person or program that holds the key', required: true },
  role: termFlags.role,
  root: { kind: 'boolean', help: 'ask for a root key, which has all roles' },
  'operator-id': { ...suppliedFlags['operator-id'], more: 'needed if the folder has no operator.json yet' },
  domain: { ...shared.domain, more: 'needed if the folder has no operator.json yet' },
  output: { ...shared.output, more: 'the request' },
} as const

/** `operator-key request`: creates a key and asks the holder of a root key to add it. */
export const requestOperatorKey = defineCommand({
  help: [
    'Creates a key for you in the folder, and prints a request: the public key, your label and the wanted roles, signed by the key. It asks no server. Send the request to a holder of a root key, who runs `auth4agent operator-key add --request FILE`. The request contains no secret.',
    'Read the thumbprint (kid) to that person over the phone: whoever forwards the request could replace it.',
    'A new member of the team has no operator.json yet: --operator-id, --domain and --server create it. Running the command again with the same label prints a new request for the same key.',
  ],
  examples: [
    {
      does: 'as a new member of the team, with a context of its own',
      line: 'auth4agent operator-key request --context acme --label bob --role agents.manage,audit.read --operator-id 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b --domain example.com --server https://auth.example.com --output bob.request',
    },
    {
      does: 'a second key in the same folder, for a pipeline',
      line: 'auth4agent operator-key request --label pipeline --role agents.register --output pipeline.request',
    },
    {
      does: 'a key for an API, which can only follow revocations',
      line: 'auth4agent operator-key request --label orders-api --role watch --output orders-api.request',
    },
    { does: 'a root key of your own', line: 'auth4agent operator-key request --label carol --root' },
  ],
  flags: requestFlags,
  folder: 'made',
  async run(context) {
    const { flags, folder, now, answer } = context
    const label = checkLabel(flags.required('label'))
    const [roles, isRoot] = [readRoles(flags.list('role')), flags.on('root')]
    if (isRoot === roles.length > 0) {
      throw usageError(
        isRoot ? '--root and --role cannot be used together' : '--role is missing: name the wanted roles',
      )
    }
    const config = await operatorOf(context)
    const key = isRoot ? await rootKey(folder, config) : await operationalKey(folder, config, label)
    const { server, issuer = server } = await chooseServerOf(await readOperatorConfig(folder), context)
    const request = await signKeyRequest(key, { operatorId: config.id, issuer, label, roles, isRoot }, now)
    const output = flags.text('output')
    if (output !== undefined) await writeText(output, `${request}\n`, { replacesLink: true })
    const kid = signerKid(key)
    const facts = lines({ label, roles: isRoot ? 'all (root key)' : roles.join(','), kid, folder })
    const where = output === undefined ? `\n\n${request}` : `\nfile: ${output}`
    const next = `next, for a holder of a root key:\nauth4agent operator-key add --request ${output ?? 'FILE'}`
    const told = { label, roles, root: isRoot, kid, request, ...(output !== undefined && { output }) }
    answer(told, `request for a key\n\n${facts}${where}\n\n${next}`, output ?? request)
  },
})

/** Returns the operator of the folder. Writes operator.json if there is none. */
async function operatorOf(context: Context<typeof requestFlags>): Promise<OperatorConfig> {
  const { flags, folder } = context
  const [id, domain] = [flags.text('operator-id'), flags.text('domain')]
  const present = await readOperatorConfig(folder)
  if (present !== undefined && present.id !== '') {
    if (id !== undefined && id !== present.id) {
      throw configurationError(
        `operator.json in ${folder} is about another operator`,
        'Use a context of its own for each operator: --context NAME',
      )
    }
    return present
  }
  if (present !== undefined)
    throw configurationError('This operator is not registered', 'Register it: `auth4agent operator register`')
  const isServerKnown = flags.text('server') !== undefined || (await knowsServer(folder))
  if (id === undefined || domain === undefined || !isServerKnown) {
    throw configurationError(
      `There is no operator in ${folder}`,
      'A new member of a team names it: --operator-id ID --domain DOMAIN --server URL',
    )
  }
  if (!isUuid(id)) throw usageError('--operator-id must be a UUID in lower case')
  const { server, issuer } = await chooseServer(context)
  await updateOperatorConfig(folder, {
    id,
    domain: normalizeDomain(domain),
    server_url: server,
    root_public_key: '',
    ...(issuer !== undefined && { issuer }),
    operational_keys: [],
  })
  const written = await readOperatorConfig(folder)
  if (written === undefined) throw configurationError(`operator.json in ${folder} cannot be read`)
  return written
}

/** Loads or creates the operational key with this label. */
async function operationalKey(folder: string, config: OperatorConfig, label: string): Promise<SeedSigner> {
  const keys = config.operational_keys ?? []
  if (keys.some((key) => key.label === label)) return loadOperationalKey(folder, config, label)
  const path = join(folder, 'keys', `operator-${fileName(label)}.key`)
  const signer = await createKeyFile(path)
  const added = { label, public_key: encodeBase64(signer.publicKey), key: keyFileReference(folder, path) }
  await updateOperatorConfig(folder, { operational_keys: [...keys, added] })
  return signer
}

/** Loads or creates the root key of the folder. */
async function rootKey(folder: string, config: OperatorConfig): Promise<SeedSigner> {
  if (config.root_public_key !== '') return loadSigner(folder, config)
  const path = join(folder, 'keys', 'operator.key')
  const signer = await createKeyFile(path)
  await updateOperatorConfig(folder, {
    root_public_key: encodeBase64(signer.publicKey),
    key: keyFileReference(folder, path),
  })
  return signer
}

/** Returns a name for the file of a key, from its label. */
function fileName(label: string): string {
  const plain = label
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  return plain === '' ? 'key' : plain
}
