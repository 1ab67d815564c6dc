import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import type { SigningKeyState } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { columns, lines } from '../text.ts'

const KEY = '--key data/admin-key.pem'

/** Lists the signing keys. */
export const listKeys = defineCommand({
  help: ["Lists every signing key there has been, as the server's administrator. Nothing of it is secret."],
  examples: [
    { does: 'all keys', line: `auth4agent keys list ${KEY}` },
    {
      does: 'the one that signs',
      line: `auth4agent keys list ${KEY} --json | jq '.keys[] | select(.state == "active")'`,
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

/** Rotates signing keys. */
export const rotateKeys = defineCommand({
  help: ['Makes prepared keys sign in place of those that do now. No token ends. Without flags, of every algorithm.'],
  examples: [
    { does: 'all of them', line: `auth4agent keys rotate ${KEY} --reason routine` },
    { does: 'one algorithm', line: `auth4agent keys rotate ${KEY} --alg ES256` },
  ],
  flags: {
    ...adminFlags,
    ...reasonFlag,
    alg: { kind: 'text', value: 'ALG', help: 'EdDSA, Ed25519, ES256 or RS256 alone', choices: TOKEN_ALGORITHMS },
    kid: { kind: 'text', value: 'KID', help: 'the prepared key that is to sign; some begin with a dash: --kid=KID' },
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

/** What a key has done last, by its state. */
const SINCE: Readonly<Record<string, (key: SigningKeyState) => string>> = {
  prepared: ({ ready_at }) => `ready ${ready_at ?? ''}`,
  retiring: ({ retiring_at }) => `signed until ${retiring_at ?? ''}`,
  retired: ({ retired_at }) => `retired ${retired_at ?? ''}`,
  compromised: ({ compromised_at }) => `marked ${compromised_at ?? ''}`,
}

function keyTable(keys: readonly SigningKeyState[]): string {
  const rows = keys.map((key) => {
    const { kid, alg, state, activated_at, held_by } = key
    return [kid, alg, state, SINCE[state]?.(key) ?? `active ${activated_at ?? ''}`, held_by ?? '']
  })
  return columns([['KID', 'ALG', 'STATE', 'SINCE', 'HELD BY'], ...rows])
}
