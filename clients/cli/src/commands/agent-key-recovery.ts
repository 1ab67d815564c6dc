import { readFile } from 'node:fs/promises'
import { openCalls, signRecovery } from '@auth4agent/sdk'
import { keyFileStore, keyPathOf, readKeyFile, writeText } from '@auth4agent/sdk/node'
import { agentArgument, agentFlags, chosenAgent, didOf, namedAgent } from '../agent-name.ts'
import { CliError, configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, serverFlags, suppliedFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { agentLogFlags, openAgent, rememberKey } from '../open-agent.ts'
import { chooseServer, openOperator, requireAgent } from '../parties.ts'
import { readKey } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { checkKid } from './agent-key-change.ts'

const recoverFlags = {
  ...operatorFlags,
  ...agentFlags,
  key: { ...suppliedFlags.key, more: 'with --write the committed key, with --recovery a root key of the operator' },
  write: { kind: 'text', value: 'FILE', help: 'sign the recovery and write it to this file' },
  recovery: {
    aliases: ['event'],
    kind: 'text',
    value: 'FILE',
    help: 'start the recovery in this file, as the operator; - for standard input',
  },
  'next-kid': {
    ...shared['next-kid'],
    more: 'with --write: the key after that',
  },
} as const

/** `agent-key recover`: signs a recovery, or starts it. */
export const recoverAgentKey = defineCommand({
  help: [
    'Recovers an agent whose identity key is lost or stolen, in two steps. The holder of the key to which the agent committed signs the recovery (--write). The operator starts it within 5 minutes (--recovery).',
    'The recovery takes effect after a delay, in which the current key can object. Then the committed key is the identity key: `auth4agent agent-key use FILE` makes it the key of agent.json.',
  ],
  examples: [
    {
      does: 'the holder of the committed key',
      line: 'auth4agent agent-key recover did:agent:example.com:21fe31dfa154a261626bf854046fd227 --key safe.key --write recovery.jws',
    },
    {
      does: 'the operator',
      line: 'auth4agent agent-key recover did:agent:example.com:21fe31dfa154a261626bf854046fd227 --recovery recovery.jws',
    },
  ],
  arguments: [agentArgument],
  flags: recoverFlags,
  async run(context) {
    const [write, event] = [context.flags.text('write'), context.flags.text('recovery')]
    if ((write === undefined) === (event === undefined))
      throw usageError('Exactly one of --write FILE and --recovery FILE must be given')
    return write === undefined ? startRecovery(context, event ?? '') : writeRecovery(context, write)
  },
})

async function writeRecovery(context: Context<typeof recoverFlags>, output: string): Promise<void> {
  const { flags, fetch, now, progress, answer } = context
  const [file, next] = [flags.text('key'), flags.text('next-kid')]
  if (file === undefined) throw usageError('Missing: --key FILE, the file of the committed private key')
  const key = await readKey(file, context)
  const did = await didOf(await chosenAgent(context), () => openOperator(context))
  const { server } = await chooseServer(context)
  const log = await progress('reading the log', openCalls({ server, fetch }).keyEvents(did))
  const event = await signRecovery({ log, key, now, next: next === undefined ? undefined : checkKid(next) })
  await writeText(output, `${event}\n`)
  const start = `next, for its operator, within 5 minutes:\nauth4agent agent-key recover ${did} --recovery ${output}`
  answer({ did, output, event }, `recovery signed\n\n${lines({ did, output })}\n\n${start}`, event)
}

async function startRecovery(context: Context<typeof recoverFlags>, file: string): Promise<void> {
  const { readStdin, progress, answer } = context
  const event = file === '-' ? await readStdin() : await readEvent(file)
  const agent = await namedAgent(context)
  const { agents } = await openOperator(context)
  const started = await progress('starting the recovery', agents.recover(agent, event.trim()))
  const { agent_did: did, effective_at, seq } = started
  answer(started, `recovery started\n\n${lines({ did, event: seq, 'takes effect': effective_at })}`, [
    effective_at ?? did,
  ])
}

async function readEvent(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw configurationError(
      `The file ${shown(path)} cannot be read`,
      'Check that the path is right and that you may read the file.',
    )
  })
}

/** `agent-key object-to-recovery`: ends a recovery that waits. */
export const objectToRecovery = defineCommand({
  help: [
    'Ends the recovery that waits, with the current identity key. Use it if the identity key is neither lost nor stolen: then somebody else has started the recovery.',
  ],
  examples: [{ does: 'end a recovery that nobody asked for', line: 'auth4agent agent-key object-to-recovery' }],
  flags: agentLogFlags,
  async run(context) {
    const { agent } = await openAgent(context)
    try {
      const ended = await context.progress('objecting', agent.objectToRecovery())
      context.answer(ended, `recovery ended\n\n${lines(ended)}`, ended.digest)
    } finally {
      agent.close()
    }
  },
})

/** `agent-key use`: makes a key file the key of agent.json. */
export const useAgentKey = defineCommand({
  help: [
    'Makes the key in a file the key of agent.json, if it is the identity key of the agent on the server: after a recovery, or to restore a backup. The old key file is kept under another name if it does not belong to the past of the agent.',
  ],
  examples: [{ does: 'after a recovery has taken effect', line: 'auth4agent agent-key use safe.key' }],
  arguments: [{ name: 'FILE', help: 'file of the private key', required: true }],
  flags: serverFlags,
  async run(context) {
    const {
      folder,
      fetch,
      arguments: [file = ''],
      progress,
      answer,
    } = context
    const config = await requireAgent(folder)
    const key = await readKeyFile(file)
    const { server } = await chooseServer(context)
    const { kid } = await progress('reading the log', openCalls({ server, fetch }).keyEvents(config.did))
    const store = keyFileStore(await keyPathOf(folder, config))
    const { isKey } = await store.exclusively(async () => {
      const matches = kid === (await kidOf(key))
      if (matches) {
        await store.save(key)
        await store.place('current', kid)
      }
      return { isKey: matches }
    })
    if (!isKey)
      throw new CliError(`The key in ${shown(file)} is not the identity key of the agent, which is ${kid}`, {
        reason: 'WRONG_KEY',
        exit: 'refused',
        hint: 'A recovery takes effect after its delay: `auth4agent agent-key list`',
      })
    await rememberKey(folder, store)
    answer({ did: config.did, kid }, `key in use\n\n${lines({ did: config.did, kid })}`, kid)
  },
})

async function kidOf(key: { readonly publicKey: Uint8Array }): Promise<string> {
  const { signerKid } = await import('@auth4agent/core/jose/signer-jwk')
  return signerKid(key)
}
