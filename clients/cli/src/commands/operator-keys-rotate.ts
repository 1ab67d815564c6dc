import { join } from 'node:path'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { OperatorKeySet, SeedSigner } from '@auth4agent/sdk'
import { createKeyFile, keyFileReference, type OperatorConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { changeKeys, keySetFlags, openKeySet, withoutKey } from '../key-set.ts'
import { checkLabel } from '../key-terms.ts'
import { nextLine } from '../next-line.ts'
import { adoptNextRoot, loadNextRoot } from '../next-root.ts'
import { hasRootKey } from '../own-keys.ts'
import { requireOperator, serverOf } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines, plain } from '../text.ts'

const FINISH = 'operator-key rotate-root --finish'

const rotateFlags = {
  ...keySetFlags,
  label: { ...shared.label, more: 'by default the old one with the date' },
  finish: { kind: 'boolean', help: 'after the DNS record names the new root key: remove the old one' },
} as const

/** `operator-key rotate-root`: replaces the root key of the folder in two steps. */
export const rotateRoot = defineCommand({
  help: [
    'Replaces the root key of this folder in two steps, between which you change the DNS record. Nothing is frozen and no token ends.',
    'The first step creates a new root key, adds it to the manifest beside the old one, and prints the new TXT record. Publish it in place of the old record. The second step (--finish) removes the old root key. The server refuses it until its resolvers see the new record.',
    'The old key file stays in the folder `keys`. If somebody else may have it, do both steps at once, and look at `auth4agent audit list`.',
  ],
  examples: [
    { does: 'the first step', line: 'auth4agent operator-key rotate-root' },
    { does: 'the second step, after the DNS record has changed', line: `auth4agent ${FINISH}` },
  ],
  flags: rotateFlags,
  async run(context) {
    if (context.flags.text('key') !== undefined) {
      throw usageError('--key cannot be used here: this command replaces the root key of the folder')
    }
    const config = await requireOperator(context.folder)
    if (!hasRootKey(config) || config.id === '') {
      throw configurationError(
        `${context.folder} has no root key of a registered operator`,
        'Use the folder of the root key: --config FOLDER, or --context NAME',
      )
    }
    await (context.flags.on('finish') ? finish(context, config) : begin(context, config))
  },
})

type Rotation = Context<typeof rotateFlags>

async function begin(context: Rotation, config: OperatorConfig): Promise<void> {
  const opened = await openKeySet(context)
  const { current } = opened
  const own = ownRoot(current, config)
  const next = await nextRoot(context, config, own.label)
  const kid = signerKid(next.signer)
  const record = recordText(context, config, kid)
  if (current.rootKeys.some((key) => key.kid === kid)) {
    context.answer({ kid, label: next.label, ...record.json }, record.text, kid)
    return
  }
  const jwk = signerJwk(next.signer)
  if (jwk.kty !== 'OKP') throw new Error('A root key is of Ed25519')
  const rootKeys = [...current.rootKeys, { jwk, label: next.label }]
  const keys = { threshold: current.threshold, rootKeys, keys: current.keys }
  await changeKeys(context, opened, {
    keys,
    done: `root key added: ${plain(next.label)}`,
    result: kid,
    next: record.text,
    more: record.json,
  })
}

async function finish(context: Rotation, config: OperatorConfig): Promise<void> {
  if (config.next_root_key === undefined) {
    throw usageError(
      'No new root key waits in this folder',
      'The first step creates it: `auth4agent operator-key rotate-root`',
    )
  }
  // Another root key may have sent the request of --prepare. Then the server does not know the old key any more.
  const replaced = await adoptNextRoot(context, config)
  if (replaced !== undefined) {
    context.answer({ kid: replaced }, `root key in use: ${replaced}`, replaced)
    return
  }
  const opened = await openKeySet(context)
  const { current } = opened
  const old = ownRoot(current, config)
  const rootKeys = withoutKey(current.rootKeys, old.kid)
  const kid = signerKid(await loadNextRoot(context.folder, config))
  if (!rootKeys.some((key) => key.kid === kid)) {
    throw usageError(
      'The new root key is not in the manifest yet',
      'Send the first step: `auth4agent operator-key rotate-root`',
    )
  }
  const keys = { threshold: current.threshold, rootKeys, keys: current.keys }
  const change = { keys, done: `root key removed: ${plain(old.label)}`, result: kid, next: `root key in use: ${kid}` }
  if (await changeKeys(context, opened, change)) await adoptNextRoot(context, config)
}

function ownRoot({ rootKeys }: OperatorKeySet, { root_public_key }: OperatorConfig) {
  const own = rootKeys.find(({ jwk }) => encodeBase64(Buffer.from(jwk.x, 'base64url')) === root_public_key)
  if (own !== undefined) return own
  throw configurationError('The root key of this folder is not a root key of the operator any more')
}

/** Loads or creates the new root key. operator.json names it before the server knows it, so it cannot be lost. */
async function nextRoot(
  { flags, folder, now }: Rotation,
  config: OperatorConfig,
  before: string,
): Promise<{ readonly signer: SeedSigner; readonly label: string }> {
  const { next_root_key: waiting } = config
  if (waiting !== undefined) return { signer: await loadNextRoot(folder, config), label: waiting.label }
  const day = new Date(now()).toISOString().slice(0, 10)
  const label = checkLabel(flags.text('label') ?? `${before.replace(/ \d{4}-\d{2}-\d{2}$/, '')} ${day}`)
  const path = join(folder, 'keys', `operator-root-${now()}.key`)
  const signer = await createKeyFile(path)
  const next_root_key = { label, public_key: encodeBase64(signer.publicKey), key: keyFileReference(folder, path) }
  await updateOperatorConfig(folder, { next_root_key })
  return { signer, label }
}

function recordText(context: Rotation, config: OperatorConfig, kid: string) {
  const { server, issuer = server } = serverOf(config, context)
  const [name, value] = [recordName(config.domain), recordValue({ issuer, operatorId: config.id, thumbprint: kid })]
  const record = lines({ record_type: 'TXT', name, value })
  return {
    json: { txt_record_name: name, txt_record_value: value },
    text: `publish this record in place of the old one:\n${record}\n\nafter propagation run:\n${nextLine(context.place, FINISH)}`,
  }
}
