import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import type { SigningKeyState } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines } from '../text.ts'

/** `signing-key list`: lists the signing keys. */
export const listKeys = defineCommand({
  help: [
    'Lists all signing keys, also retired and compromised keys. The purpose says what a key signs: access tokens, introspection answers, grants, or statements of OpenID Federation. The output contains no secrets. Only the administrator can do this.',
  ],
  examples: [
    { does: 'all keys', line: `auth4agent signing-key list` },
    {
      does: 'only active keys',
      line: `auth4agent signing-key list --json | jq '.keys[] | select(.state == "active")'`,
    },
  ],
  flags: adminFlags,
  async run(context) {
    const list = await context.progress('asking the server', (await openAdministrator(context)).keys.list())
    const state = lines({ 'sealed under': list.kek_id, 'sealed under others': list.sealed_under_others })
    context.answer(
      list,
      `${keyTable(list.keys)}\n\n${state}`,
      list.keys.map(({ kid }) => kid),
    )
  },
})

/** `signing-key rotate`: rotates signing keys. */
export const rotateKeys = defineCommand({
  help: [
    'Makes the next prepared key active, for every purpose and algorithm. With --alg it rotates only the key that signs tokens with this algorithm, and with --kid only the key that this one replaces. Existing tokens stay valid.',
  ],
  examples: [
    { does: 'all keys', line: `auth4agent signing-key rotate --reason routine` },
    { does: 'the key for ES256 tokens', line: `auth4agent signing-key rotate --alg ES256` },
  ],
  flags: {
    ...adminFlags,
    ...reasonFlag,
    alg: {
      ...shared.alg,
      more: 'rotates only the key that signs tokens with it',
      choices: TOKEN_ALGORITHMS,
    },
    kid: { ...shared.kid, more: 'the prepared key to make active' },
  },
  async run(context) {
    const { flags } = context
    const what = { alg: flags.text('alg'), kid: flags.text('kid'), reason: flags.text('reason') }
    const rotated = await context.progress('rotating', (await openAdministrator(context)).keys.rotate(what))
    const text = `keys rotated\n\n${keyTable([...rotated.active, ...rotated.retiring])}`
    context.answer(
      rotated,
      text,
      rotated.active.map(({ kid }) => kid),
    )
  },
})

/** Texts for the column SINCE, by the state of the key. */
const SINCE: Readonly<Record<string, (key: SigningKeyState) => string>> = {
  prepared: ({ ready_at }) => `ready ${ready_at ?? ''}`,
  retiring: ({ retiring_at }) => `signed until ${retiring_at ?? ''}`,
  retired: ({ retired_at }) => `retired ${retired_at ?? ''}`,
  compromised: ({ compromised_at }) => `marked ${compromised_at ?? ''}`,
}

function keyTable(keys: readonly SigningKeyState[]): string {
  const rows = keys.map((key) => {
    const { kid, alg, state, activated_at, held_by, purpose } = key
    const since = SINCE[state]?.(key) ?? `active ${activated_at ?? ''}`
    return [kid, purpose ?? 'access_token', alg, state, since, held_by ?? '']
  })
  return columns([['KID', 'PURPOSE', 'ALG', 'STATE', 'SINCE', 'HELD BY'], ...rows])
}
