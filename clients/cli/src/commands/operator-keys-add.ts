import { readFile } from 'node:fs/promises'
import type { OperatorJwk } from '@auth4agent/core/identity/operator-manifest'
import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { type KeyRequest, readKeyRequest } from '@auth4agent/sdk'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Base, Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { changeKeys, keySetFlags, openKeySet, withoutKey } from '../key-set.ts'
import { checkLabel, readRoles, readThreshold, readValidity, termFlags, thresholdFlag } from '../key-terms.ts'
import { openRoot } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { plain } from '../text.ts'
import { findWaiting, keyOf } from './operator-keys-invite.ts'

const addFlags = {
  ...keySetFlags,
  ...termFlags,
  ...thresholdFlag,
  request: {
    kind: 'text',
    value: 'FILE',
    help: 'the request that `operator-key request` wrote; - for standard input',
  },
  waiting: { kind: 'text', value: 'KID', help: 'the passkey with this thumbprint, whose request waits at the server' },
  kid: { ...shared.kid, more: 'the thumbprint that the holder has told you, to check it' },
  jwk: { ...shared.jwk, more: 'of Ed25519 or P-256, instead of --request' },
  label: { ...shared.label, more: 'by default the one of the request' },
} as const

/** `operator-key add`: adds a key to the manifest. */
export const addOperatorKey = defineCommand({
  help: [
    'Adds a key of a person or program to the operator, with the roles and label of its request. --role and --label replace those of the request. Only a root key can do this. Once the command ends, every process of the server accepts the key.',
    'The request proves only that its sender has the key. Compare the thumbprint with the holder: --kid KID refuses any other key.',
    'Roles: agents.register, agents.manage, agents.revoke, policy, trust, audit.read, keys, people, approvals, watch. A key expires after 90 days unless --expires says otherwise.',
    'If the operator has a threshold, --prepare FILE writes the request that further root keys approve.',
  ],
  examples: [
    {
      does: 'add the key of a request, after a call with its holder',
      line: 'auth4agent operator-key add --request bob.request --kid kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    },
    {
      does: 'with fewer roles, for a month',
      line: 'auth4agent operator-key add --request bob.request --role audit.read --expires 30d',
    },
    {
      does: 'the passkey of a person whom you have invited',
      line: 'auth4agent operator-key add --waiting kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    },
    {
      does: 'a key of a key store',
      line: 'auth4agent operator-key add --jwk pipeline.jwk --label pipeline --role agents.register',
    },
    {
      does: 'a further root key, and demand that two root keys agree',
      line: 'auth4agent operator-key add --request carol.request --threshold 2',
    },
  ],
  flags: addFlags,
  async run(context) {
    const waiting = context.flags.text('waiting')
    const wanted = waiting === undefined ? await readWanted(context) : await readWaiting(context, waiting)
    const { kid, jwk, label, isRoot } = wanted
    const expected = context.flags.text('kid')
    if (expected !== undefined && expected !== kid) {
      throw usageError(
        `The thumbprint of the key is ${kid}, and not the one of --kid`,
        'Somebody may have replaced the request. Ask its sender for it again.',
      )
    }
    const opened = await openKeySet(context)
    const { current, operator } = opened
    if ('operatorId' in wanted && wanted.operatorId !== operator.id)
      throw usageError('The request is for another operator')
    const threshold = readThreshold(context.flags, current.threshold)
    if (isRoot) {
      const root = { jwk: jwk.kty === 'OKP' ? jwk : notRoot(), label }
      const keys = { threshold, rootKeys: [...withoutKey(current.rootKeys, kid), root], keys: current.keys }
      await changeKeys(context, opened, { keys, done: `root key added: ${plain(label)}`, result: kid })
      return
    }
    const validity = readValidity(context.flags.text('expires'), context.now())
    const keys = {
      threshold,
      rootKeys: current.rootKeys,
      keys: [...withoutKey(current.keys, kid), keyOf(wanted, validity)],
    }
    await changeKeys(context, opened, { keys, done: `key added: ${plain(label)}`, result: kid })
  },
})

type Wanted = Pick<KeyRequest, 'kid' | 'jwk' | 'label' | 'roles' | 'isRoot' | 'webauthn' | 'person'>

async function readWaiting(context: Context<typeof addFlags>, kid: string): Promise<KeyRequest> {
  const { flags } = context
  if (['request', 'jwk'].some((name) => flags.text(name as 'request' | 'jwk') !== undefined)) {
    throw usageError('--waiting cannot be used with --request or --jwk')
  }
  const found = await context.progress('asking the server', findWaiting(await openRoot(context), kid))
  const [label, roles] = [flags.text('label'), readRoles(flags.list('role'))]
  return { ...found, ...(label !== undefined && { label: checkLabel(label) }), ...(roles.length > 0 && { roles }) }
}

async function readWanted(context: Context<typeof addFlags>): Promise<Wanted | KeyRequest> {
  const { flags } = context
  const [request, jwk] = [flags.text('request'), flags.text('jwk')]
  const [label, roles] = [flags.text('label'), readRoles(flags.list('role'))]
  if ((request === undefined) === (jwk === undefined))
    throw usageError('Name the key: --request FILE, --jwk FILE, or --waiting KID')
  if (jwk !== undefined) return { ...(await readJwk(jwk)), ...termsOf(label, roles), isRoot: false }
  const read = await readRequest(request ?? '-', context)
  if (read.isRoot && roles.length > 0) throw usageError('--role cannot be used for a root key, which has all roles')
  return {
    ...read,
    ...(label !== undefined && { label: checkLabel(label) }),
    ...(roles.length > 0 && { roles }),
  }
}

async function readRequest(path: string, { readStdin }: Pick<Base, 'readStdin'>): Promise<KeyRequest> {
  const text = path === '-' ? await readStdin() : await readTextFile(path)
  try {
    return await readKeyRequest(text)
  } catch (error) {
    throw error instanceof TypeError
      ? configurationError(error.message, '`auth4agent operator-key request` writes a request.')
      : error
  }
}

async function readJwk(path: string): Promise<{ readonly jwk: OperatorJwk; readonly kid: string }> {
  const jwk = readPublicJwk(parse(await readTextFile(path)))
  if (jwk !== undefined && jwk.kty !== 'RSA') return { jwk, kid: jwkThumbprint(jwk) }
  throw configurationError(
    `${shown(path)} must contain a public JWK of Ed25519 or P-256`,
    'For example: {"kty":"EC","crv":"P-256","x":"…","y":"…"}',
  )
}

function termsOf(label: string | undefined, roles: readonly OperatorRole[]) {
  if (label === undefined || roles.length === 0) throw usageError('--jwk needs --label and --role')
  return { label: checkLabel(label), roles }
}

async function readTextFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) throw configurationError(`The file ${shown(path)} cannot be read`)
  return text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function notRoot(): never {
  throw usageError('A root key must be of Ed25519')
}
