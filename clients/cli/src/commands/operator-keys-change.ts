import type { NewOperatorKeys, OperatorKeySet } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { shown } from '../hidden.ts'
import { changeKeys, keySetFlags, openKeySet, withoutKey } from '../key-set.ts'
import {
  checkLabel,
  readCount,
  readRoles,
  readThreshold,
  readValidity,
  termFlags,
  thresholdFlag,
} from '../key-terms.ts'
import { shared } from '../shared-flags.ts'
import { plain } from '../text.ts'

const keyArgument = {
  name: 'KEY',
  help: 'label or thumbprint of the key, as `operator-key list` shows it',
  required: true,
} as const

/** `operator-key update`: changes roles, label or expiry of an operational key. */
export const updateOperatorKey = defineCommand({
  help: [
    'Changes the roles, the label or the expiry of an operational key. What no flag names stays as it is. Only a root key can do this.',
  ],
  examples: [
    { does: 'extend a key that expires', line: 'auth4agent operator-key update pipeline --expires 90d' },
    { does: 'give it other roles', line: 'auth4agent operator-key update bob --role audit.read' },
  ],
  arguments: [keyArgument],
  flags: {
    ...keySetFlags,
    ...termFlags,
    label: { ...shared.label, more: 'the new one' },
  },
  async run(context) {
    const { flags, now } = context
    const [roles, label, expires] = [readRoles(flags.list('role')), flags.text('label'), flags.text('expires')]
    if (roles.length === 0 && label === undefined && expires === undefined)
      throw usageError('Name what to change: --role, --label or --expires')
    const opened = await openKeySet(context)
    const { current } = opened
    const found = findKey(current.keys, context.arguments[0] ?? '')
    if (found === undefined) throw noKey(context.arguments[0] ?? '', 'operational key')
    const changed = {
      ...found,
      ...(roles.length > 0 && { roles }),
      ...(label !== undefined && { label: checkLabel(label) }),
      ...(expires !== undefined && { exp: readValidity(expires, now()).exp }),
    }
    const keys = { ...same(current), keys: current.keys.map((key) => (key === found ? changed : key)) }
    await changeKeys(context, opened, { keys, done: `key changed: ${plain(changed.label)}`, result: found.kid })
  },
})

/** `operator-key remove`: removes a key from the manifest. */
export const removeOperatorKey = defineCommand({
  help: [
    'Removes an operational key or a root key. Once the command ends, every process of the server refuses the key. Tokens of agents stay valid. Only a root key can do this.',
    'The root key that the DNS record names can only be removed after the record names another root key; `operator-key rotate-root` does both.',
  ],
  examples: [
    { does: 'when a person leaves', line: 'auth4agent operator-key remove bob' },
    {
      does: 'a root key, where then one root key is enough',
      line: 'auth4agent operator-key remove carol --threshold 1',
    },
  ],
  arguments: [keyArgument],
  flags: { ...keySetFlags, ...thresholdFlag },
  async run(context) {
    const name = context.arguments[0] ?? ''
    const opened = await openKeySet(context)
    const { current } = opened
    const [key, root] = [findKey(current.keys, name), findKey(current.rootKeys, name)]
    const found = key ?? root
    if (found === undefined) throw noKey(name, 'key')
    const keys = {
      threshold: readThreshold(context.flags, current.threshold),
      rootKeys: withoutKey(current.rootKeys, found.kid),
      keys: withoutKey(current.keys, found.kid),
    }
    if (keys.rootKeys.length === 0) {
      throw usageError(
        'The only root key cannot be removed',
        '`auth4agent operator-key rotate-root` replaces it by another.',
      )
    }
    await changeKeys(context, opened, { keys, done: `key removed: ${plain(found.label)}`, result: found.kid })
  },
})

/** `operator-key set-threshold`: changes how many root keys must approve root operations. */
export const setThreshold = defineCommand({
  help: [
    'Changes how many root keys must approve a root operation: a change of the keys, or giving up the domain. Only a root key can do this, with approvals of as many root keys as the threshold demands so far.',
  ],
  examples: [{ does: 'demand that two root keys agree', line: 'auth4agent operator-key set-threshold 2' }],
  arguments: [{ name: 'NUMBER', help: 'the number of root keys that must approve', required: true }],
  flags: keySetFlags,
  async run(context) {
    const threshold = readCount(context.arguments[0] ?? '', 'NUMBER')
    const opened = await openKeySet(context)
    const keys = { ...same(opened.current), threshold }
    await changeKeys(context, opened, { keys, done: `threshold: ${threshold}`, result: String(threshold) })
  },
})

function same({ threshold, rootKeys, keys }: OperatorKeySet): Omit<NewOperatorKeys, 'seq'> {
  return { threshold, rootKeys, keys }
}

function findKey<K extends { readonly kid: string; readonly label: string }>(
  keys: readonly K[],
  name: string,
): K | undefined {
  return keys.find(({ kid, label }) => kid === name || label === name)
}

function noKey(name: string, what: string) {
  return usageError(
    `The operator has no ${what} with the label or thumbprint ${shown(name)}`,
    '`auth4agent operator-key list` shows both.',
  )
}
