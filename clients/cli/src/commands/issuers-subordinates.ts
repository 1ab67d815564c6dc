import type { Subordinate } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns } from '../text.ts'
import { readKeys } from './issuers-anchors.ts'

const ENTITY = 'https://auth.example'
const entityArgument = {
  name: 'ENTITY',
  help: 'the entity identifier, such as https://auth.example',
  required: true,
} as const

/** `subordinate add`: lets the authority state something about an entity. */
export const addSubordinate = defineCommand({
  help: [
    "Makes an entity a subordinate of this deployment's authority, so that those who pin the authority find it. Run it again when the entity changes its keys. All values are replaced. Only the administrator can do this.",
    'Get the keys by another way than the network: the claim `jwks` of the entity configuration.',
  ],
  examples: [{ does: 'another deployment', line: `auth4agent subordinate add ${ENTITY} --jwks keys.json` }],
  arguments: [entityArgument],
  flags: {
    ...adminFlags,
    jwks: { ...shared.jwks, more: 'its keys for statements', required: true },
    'entity-type': {
      aliases: ['type'],
      kind: 'list',
      value: 'TYPE',
      help: 'entity type; may be repeated; by default oauth_authorization_server',
    },
    'metadata-policy': { kind: 'text', value: 'JSON', help: 'the claim `metadata_policy` of the statements' },
    constraints: { kind: 'text', value: 'JSON', help: 'the claim `constraints` of the statements' },
  },
  async run(context) {
    const [entity_id = ''] = context.arguments
    const { flags } = context
    const wanted = {
      entity_id,
      jwks: await readKeys(flags.required('jwks')),
      entity_types: flags.list('entity-type').flatMap((types) => types.split(',')),
      metadata_policy: flags.text('metadata-policy'),
      constraints: flags.text('constraints'),
    }
    const { federation } = await openAdministrator(context)
    const subordinate = await context.progress('adding', federation.putSubordinate(wanted))
    context.answer(subordinate, `subordinate added\n\n${subordinateTable([subordinate])}`, [entity_id])
  },
})

/** `subordinate list`: lists the subordinates. */
export const listSubordinates = defineCommand({
  help: [
    "Lists the subordinates of this deployment's authority, except the deployment's own issuer. Only the administrator can do this.",
  ],
  examples: [{ does: 'all subordinates', line: `auth4agent subordinate list` }],
  flags: adminFlags,
  async run(context) {
    const { federation } = await openAdministrator(context)
    const subordinates = await context.progress('asking the server', federation.listSubordinates())
    context.answer(
      { subordinates },
      subordinateTable(subordinates),
      subordinates.map(({ entity_id }) => entity_id),
    )
  },
})

/** `subordinate remove`: ends the statements about a subordinate. */
export const removeSubordinate = defineCommand({
  help: [
    'Ends the statements about a subordinate. Others use the last statement until it expires, for up to an hour. Only the administrator can do this.',
  ],
  examples: [{ does: 'a subordinate', line: `auth4agent subordinate remove ${ENTITY}` }],
  arguments: [entityArgument],
  flags: { ...adminFlags, ...reasonFlag },
  async run(context) {
    const [entityId = ''] = context.arguments
    const { federation } = await openAdministrator(context)
    await context.progress('removing', federation.removeSubordinate(entityId, context.flags.text('reason')))
    context.answer({ entity_id: entityId }, 'subordinate removed', [entityId])
  },
})

function subordinateTable(subordinates: readonly Subordinate[]): string {
  if (subordinates.length === 0) return 'the authority has no further subordinate'
  const rows = subordinates.map(({ entity_id, entity_types, kids }) => [
    entity_id,
    entity_types.join(' '),
    String(kids.length),
  ])
  return columns([['ENTITY', 'TYPES', 'KEYS'], ...rows])
}
