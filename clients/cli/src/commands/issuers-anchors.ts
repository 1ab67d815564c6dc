import type { TrustAnchor } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { shown } from '../hidden.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns } from '../text.ts'

const ANCHOR = 'https://federation.example.edu'
const anchorArgument = {
  name: 'ANCHOR',
  help: 'the entity identifier of the trust anchor, such as https://federation.example.edu',
  required: true,
} as const
const MAX_POSITION = 1_000

/** `trust-anchor add`: trusts an anchor, or replaces what is recorded of it. */
export const addAnchor = defineCommand({
  help: [
    'Trusts an anchor of OpenID Federation: issuers with a trust chain to it can then be discovered and admitted. Run it again to pin new keys, or to change the other values. All values are replaced. Only the administrator can do this.',
    'Get the keys by another way than the network. Issuers whose chains do not hold under the new keys are disabled before the command ends.',
  ],
  examples: [
    { does: 'an anchor', line: `auth4agent trust-anchor add ${ANCHOR} --jwks anchor-keys.json` },
    {
      does: 'an anchor that admits the servers of one domain by itself',
      line: `auth4agent trust-anchor add ${ANCHOR} --jwks anchor-keys.json --permit .example.edu --auto-admit`,
    },
  ],
  arguments: [anchorArgument],
  flags: {
    ...adminFlags,
    jwks: { ...shared.jwks, more: 'the keys to pin', required: true },
    position: { kind: 'text', value: 'NUMBER', help: 'place among the anchors; the lowest is preferred; by default 0' },
    permit: {
      kind: 'list',
      value: 'NAME',
      help: 'host, or domain with a period in front, of the only issuers that count under this anchor; may be repeated',
    },
    'auto-admit': {
      kind: 'boolean',
      help: 'admit discovered issuers without further approval, at most 16; needs --permit',
    },
  },
  async run(context) {
    const [entity_id = ''] = context.arguments
    const { flags } = context
    const anchor = {
      entity_id,
      jwks: await readKeys(flags.required('jwks')),
      position: readPosition(flags.text('position')),
      permitted_names: flags.list('permit').flatMap((names) => names.split(',')),
      auto_admit: flags.on('auto-admit'),
    }
    const { federation } = await openAdministrator(context)
    const answer = await context.progress('pinning', federation.putAnchor(anchor))
    context.answer(answer, told('anchor pinned', answer.disabled_issuers), [entity_id])
  },
})

/** `trust-anchor list`: lists the trust anchors. */
export const listAnchors = defineCommand({
  help: [
    'Lists the trust anchors in the order of preference. The column NOT PINNED has the keys that an anchor publishes beside the pinned ones: it changes its keys, or somebody else answers in its place. Only the administrator can do this.',
  ],
  examples: [{ does: 'all anchors', line: `auth4agent trust-anchor list` }],
  flags: adminFlags,
  async run(context) {
    const { federation } = await openAdministrator(context)
    const anchors = await context.progress('asking the server', federation.listAnchors())
    context.answer(
      { anchors },
      anchorTable(anchors),
      anchors.map(({ entity_id }) => entity_id),
    )
  },
})

/** `trust-anchor remove`: trusts an anchor no longer. */
export const removeAnchor = defineCommand({
  help: [
    'Trusts an anchor no longer. All issuers that its chains attested are disabled before the command ends. Only the administrator can do this.',
  ],
  examples: [{ does: 'an anchor', line: `auth4agent trust-anchor remove ${ANCHOR} --reason "left"` }],
  arguments: [anchorArgument],
  flags: { ...adminFlags, ...reasonFlag },
  async run(context) {
    const [entityId = ''] = context.arguments
    const { federation } = await openAdministrator(context)
    const answer = await context.progress('removing', federation.removeAnchor(entityId, context.flags.text('reason')))
    context.answer(answer, told('anchor removed', answer.disabled_issuers), [entityId])
  },
})

/** Reads a file with a JWK Set. */
export async function readKeys(path: string): Promise<string> {
  const text = await readText(path)
  if (text !== undefined) return text.trim()
  throw configurationError(`There is no file at ${shown(path)}`, 'Name the file of the JWK Set.')
}

function readPosition(text: string | undefined): number | undefined {
  const position = text === undefined ? undefined : Number(text)
  if (position === undefined || (Number.isInteger(position) && position >= 0 && position <= MAX_POSITION)) {
    return position
  }
  throw usageError(`--position must be a number between 0 and ${MAX_POSITION}`)
}

function told(what: string, disabled: readonly string[]): string {
  return [what, ...disabled.map((issuer) => `disabled: ${issuer}`)].join('\n')
}

function anchorTable(anchors: readonly TrustAnchor[]): string {
  if (anchors.length === 0) return 'no anchor is trusted'
  const rows = anchors.map(({ entity_id, position, auto_admit, permitted_names, kids, unpinned_kids }) => [
    entity_id,
    String(position),
    permitted_names.join(' ') || 'all',
    auto_admit ? 'yes' : 'no',
    String(kids.length),
    unpinned_kids.join(' '),
  ])
  return columns([['ANCHOR', 'POSITION', 'PERMITS', 'ADMITS BY ITSELF', 'KEYS', 'NOT PINNED'], ...rows])
}
