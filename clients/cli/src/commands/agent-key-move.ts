import { isUuid } from '@auth4agent/core/encoding/uuid'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { checkDestination, toIssuerFlag } from '../moves.ts'
import { agentLogFlags, committedKeyFlag, givenCommittedKey, openAgent } from '../open-agent.ts'
import { serverOf } from '../parties.ts'
import { normalizeDomain } from '../server-address.ts'
import { lines } from '../text.ts'

const moveFlags = {
  ...agentLogFlags,
  ...committedKeyFlag,
  ...toIssuerFlag,
  'to-domain': {
    kind: 'text',
    value: 'DOMAIN',
    help: 'domain of the operator that the agent joins',
    aliases: ['to'],
    required: true,
  },
  'to-operator': {
    kind: 'text',
    value: 'ID',
    help: 'id of the operator that the agent joins',
    aliases: ['operator-id'],
    required: true,
  },
} as const

/** `agent move`: asks to move to another operator. */
export const moveAgent = defineCommand({
  help: [
    'Asks to move the agent of agent.json to another operator, of the same server or of another one. Keys and history go with the agent; scopes and tokens stay behind. Nothing changes before the other operator admits the agent.',
    'If the move goes to another server (--to-issuer), the command asks that server whether the operator has this domain.',
    'An agent that has committed to a key needs that key too. The key only proves itself, and stays the next key.',
    'Any later event of the agent ends the move: `auth4agent agent-key rotate` ends a move that a thief asked for.',
  ],
  examples: [
    {
      does: 'to another operator of the same server',
      line: 'auth4agent agent move --to-domain other.example --to-operator 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
    },
    {
      does: 'to an operator of another server',
      line: 'auth4agent agent move --to-domain other.example --to-operator 0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b --to-issuer https://auth.other.example',
    },
  ],
  flags: moveFlags,
  async run(context) {
    const { flags, progress, answer } = context
    const [domain, operatorId] = [normalizeDomain(flags.required('to-domain')), flags.required('to-operator')]
    if (!isUuid(operatorId)) throw usageError('--to-operator must be a UUID in lower case')
    const key = await givenCommittedKey(context)
    const { agent, config } = await openAgent(context)
    try {
      const { server, issuer: own = server } = serverOf(config, context)
      const issuer = flags.text('to-issuer') ?? own
      const isHere = issuer === own
      if (!isHere) await progress('asking the other server', checkDestination({ issuer, operatorId, domain }, context))
      const { to, digest, effectiveAt } = await progress(
        'asking for the move',
        agent.move({ to: domain, operatorId, issuer, key }),
      )
      const at = isHere ? effectiveAt?.toISOString() : undefined
      const told = { did: config.did, to, operator_id: operatorId, issuer, digest, effective_at: at }
      answer(told, toText(told, isHere), to)
    } finally {
      agent.close()
    }
  },
})

interface AskedMove {
  readonly did: string
  readonly to: string
  readonly operator_id: string
  readonly issuer: string
  readonly effective_at: string | undefined
}

/** Says when the agent can be admitted, and what each side does next. */
function toText({ did, to, operator_id: operator, issuer, effective_at: at }: AskedMove, isHere: boolean): string {
  const facts = lines({ did, 'new did': to, operator, ...(!isHere && { server: issuer }) })
  const when = isHere
    ? `the operator can admit the agent when it is released, or from ${at ?? 'the end of the delay'}`
    : 'the operator can admit the agent when it is released; the release ends the agent on this server'
  const release = `auth4agent agent release ${did} --new-did ${to}${isHere ? '' : ` --to-issuer ${issuer}`}`
  const admit = isHere
    ? `auth4agent agent admit ${did}`
    : `auth4agent agent export-bundle ${did} --output agent.bundle\nauth4agent agent admit --bundle agent.bundle`
  return [
    `move asked for\n\n${facts}\n\n${when}`,
    `next, for the operator that the agent leaves:\n${release}`,
    `then, for the operator that the agent joins:\n${admit}`,
    'then, here:\nauth4agent agent finish-move',
  ].join('\n\n')
}
