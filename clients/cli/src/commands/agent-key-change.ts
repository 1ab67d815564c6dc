import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { KeyLike, RotatedKey } from '@auth4agent/sdk'
import { createKeyFile, createP256KeyFile, readKeyFile, readSigningKeyFile } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { agentLogFlags, committedKeyFlag, givenCommittedKey, openAgent, rememberKey } from '../open-agent.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'

/** Form of a `kid`, which is an RFC 7638 thumbprint. */
const KID = /^[A-Za-z0-9_-]{43}$/
const ALGORITHMS = ['EdDSA', 'ES256'] as const

/** Returns a thumbprint of the command line. Throws CliError for other text. */
export function checkKid(given: string): string {
  if (!KID.test(given))
    throw usageError(`${shown(given)} is not a key id`, '`auth4agent agent-key list` shows the key ids.')
  return given
}

/** `agent-key create`: creates the file of another key. It sends nothing to the server. */
export const createAgentKey = defineCommand({
  help: [
    'Creates the file of a new private key and prints its key id. Use it for a key to add, or for the next key of an agent, which you keep on another machine.',
  ],
  examples: [
    { does: 'a key of P-256, to add', line: 'auth4agent agent-key create laptop.pem --alg ES256' },
    { does: 'the next key of an agent, to be kept in a safe', line: 'auth4agent agent-key create safe.key' },
  ],
  arguments: [{ name: 'FILE', help: 'the new file', required: true }],
  flags: {
    alg: {
      ...shared.alg,
      more: 'EdDSA for Ed25519, which is the default, or ES256 for P-256',
      choices: ALGORITHMS,
    },
  },
  folder: 'unused',
  async run({ flags, arguments: [file = ''], answer }) {
    const alg = flags.text('alg') ?? 'EdDSA'
    const kid = signerKid(await (alg === 'ES256' ? createP256KeyFile(file) : createKeyFile(file)))
    answer({ output: file, kid, alg }, `key created\n\n${lines({ kid, alg })}\n\nwritten to ${file}`, kid)
  },
})

const rotateFlags = {
  ...agentLogFlags,
  'new-key': shared['new-key'],
  'next-key': {
    ...shared['next-key'],
    more: 'the key after the new one',
  },
  'next-kid': {
    ...shared['next-kid'],
    more: 'the key after the new one',
  },
  'no-next': { kind: 'boolean', help: 'commit to no next key' },
} as const

/** `agent-key rotate`: replaces the identity key of the agent. */
export const rotateAgentKey = defineCommand({
  help: [
    'Replaces the identity key of the agent. All tokens that it got before end. By default the new key is the one in the file with `.next` beside the identity key, and the command creates the key after that and commits to it: a thief of the identity key alone can then rotate nothing.',
    'Both keys are kept until the server has answered. If the command is interrupted, run it again.',
  ],
  examples: [
    { does: 'replace the key, and keep the next one ready', line: 'auth4agent agent-key rotate' },
    {
      does: 'commit to a key in a safe, made there with `agent-key create`',
      line: 'auth4agent agent-key rotate --next-kid=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    },
  ],
  flags: rotateFlags,
  async run(context) {
    const { flags, folder, progress, answer } = context
    const [file, next] = [flags.text('new-key'), nextOf(context)]
    const { agent, store, config } = await openAgent(context, flags.text('next-key'))
    if (store === undefined && file === undefined) throw usageError('With --key, --new-key FILE must be given')
    try {
      const key = file === undefined ? undefined : await readKeyFile(file)
      const rotated = await progress('rotating the key', agent.rotateKey({ key, next }))
      if (store !== undefined) await rememberKey(folder, store)
      answer({ did: config.did, ...rotated }, toText(config.did, rotated), rotated.kid)
    } finally {
      agent.close()
    }
  },
})

function nextOf({ flags }: Pick<Context<typeof rotateFlags>, 'flags'>): string | false | undefined {
  const kid = flags.text('next-kid')
  const given = [kid, flags.text('next-key'), flags.on('no-next') || undefined].filter((each) => each !== undefined)
  if (given.length > 1) throw usageError('At most one of --next-key, --next-kid and --no-next may be given')
  if (kid !== undefined) return checkKid(kid)
  return flags.on('no-next') ? false : undefined
}

function toText(did: string, { kid, next, seq }: RotatedKey): string {
  return `identity key replaced\n\n${lines({ did, kid, 'next key': next ?? 'none', event: seq })}`
}

/** `agent-key add`: adds a key that may authenticate the agent. */
export const addAgentKey = defineCommand({
  help: [
    'Adds a key that may authenticate the agent, but cannot change its keys: for a second machine, or for an OAuth library or TPM that has only P-256. An agent has at most 4 added keys.',
  ],
  examples: [
    {
      does: 'a key of P-256 for a laptop',
      line: 'auth4agent agent-key add laptop.pem --label laptop --expires 90d',
    },
  ],
  arguments: [{ name: 'FILE', help: 'file of the private key to add: a key file, or PEM', required: true }],
  flags: {
    ...agentLogFlags,
    label: { ...shared.label, more: 'at most 100 characters', required: true },
    expires: {
      ...shared.expires,
      more: 'at most 366 days',
      required: true,
    },
  },
  async run(context) {
    const {
      flags,
      arguments: [file = ''],
      progress,
      answer,
    } = context
    const key: KeyLike = await readSigningKeyFile(file)
    const [label, given] = [flags.required('label'), flags.required('expires')]
    const expires = /^\d{4}-/.test(given) ? new Date(given) : given
    const { agent, config } = await openAgent(context)
    try {
      const adding = agent.addKey({ key, label, expires }).catch(asUsage)
      const { kid, seq, expiresAt } = await progress('adding the key', adding)
      const told = { did: config.did, kid, label, expires_at: expiresAt.toISOString(), seq }
      answer(told, `key added\n\n${lines({ ...told, seq: undefined, event: seq })}`, kid)
    } finally {
      agent.close()
    }
  },
})

function asUsage(error: unknown): never {
  throw error instanceof TypeError ? usageError(error.message) : error
}

/** `agent-key remove`: removes an added key. */
export const removeAgentKey = defineCommand({
  help: [
    'Removes an added key. All tokens of the agent end, and the key gets no new ones as soon as the command ends.',
  ],
  examples: [
    {
      does: 'remove the key of a lost laptop',
      line: 'auth4agent agent-key remove NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    },
  ],
  arguments: [
    { name: 'KID', help: 'key id, as `agent-key list` shows it; after `--` if it begins with a dash', required: true },
  ],
  flags: agentLogFlags,
  async run(context) {
    const {
      arguments: [given = ''],
      progress,
      answer,
    } = context
    const kid = checkKid(given)
    const { agent, config } = await openAgent(context)
    try {
      const { seq } = await progress('removing the key', agent.removeKey(kid))
      answer({ did: config.did, kid, seq }, `key removed\n\n${lines({ did: config.did, kid, event: seq })}`, kid)
    } finally {
      agent.close()
    }
  },
})

/** `agent deactivate`: ends the identity of the agent for good. */
export const deactivateAgent = defineCommand({
  help: [
    'Ends the identity of the agent for good. All its tokens end, and nobody can undo this. An agent that has committed to a key needs that key too.',
    'The command ends the identity only if --confirm-name names the DID.',
  ],
  examples: [
    {
      does: 'end an identity',
      line: 'auth4agent agent deactivate --confirm-name did:agent:example.com:21fe31dfa154a261626bf854046fd227',
    },
  ],
  flags: {
    ...agentLogFlags,
    ...committedKeyFlag,
    'confirm-name': shared['confirm-name'],
  },
  async run(context) {
    const { flags, progress, answer } = context
    const { agent, config } = await openAgent(context)
    const { did } = config
    try {
      if (flags.text('confirm-name') !== did)
        throw usageError(
          '--confirm-name must name the DID whose identity ends for good',
          `To end it, add --confirm-name ${plain(did)}`,
        )
      const key = await givenCommittedKey(context)
      const { seq } = await progress('ending the identity', agent.deactivate({ key }))
      answer({ did, seq }, `identity ended\n\n${lines({ did, event: seq })}`, did)
    } finally {
      agent.close()
    }
  },
})
