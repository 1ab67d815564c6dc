import { parseDid } from '@auth4agent/core/identity/did'
import { type BundleTarget, verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import { readBundle } from '../bundle-file.ts'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { readMove } from '../moves.ts'
import { lines } from '../text.ts'
import { writeTime } from '../times.ts'

/** `agent verify-bundle`: verifies a bundle without a server. */
export const verifyBundle = defineCommand({
  help: [
    'Verifies the bundle of an agent without a server, and shows who moves, from where to where, and which operator has released the agent. It exits with 1 if anything in the bundle is wrong.',
    'The bundle does not prove that the releasing operator ever had the domain of the old DID: compare its id with the TXT record `_auth4agents` of that domain.',
  ],
  examples: [{ does: 'before you admit an agent', line: 'auth4agent agent verify-bundle agent.bundle' }],
  arguments: [{ name: 'FILE', help: 'the bundle; - for standard input', required: true }],
  flags: {},
  folder: 'unused',
  async run(context) {
    const bundle = await readBundle(context.arguments[0] ?? '', context)
    const verified = verifyAgentBundle(bundle, targetOf(bundle.events))
    if (!verified.ok) throw invalid(verified.demand)
    const { move, source, release, state } = verified
    const { issuer, operatorId: operator_id } = move
    const told = {
      valid: true,
      did: move.did,
      to: move.to,
      issuer,
      operator_id,
      released_by: { operator_id: source.operatorId, domain: source.domain, issuer: source.issuer },
      released_at: writeTime(release.iat),
      events: bundle.events.length,
      kid: state.kid,
      previous_dids: state.previousDids,
    }
    const facts = {
      did: told.did,
      'new did': told.to,
      'new operator': operator_id,
      'new server': issuer,
      'released by': `${source.operatorId} (${source.domain} on ${source.issuer})`,
      'released at': told.released_at,
      'identity key': state.kid,
      'next key': state.next ?? 'none',
      events: told.events,
    }
    context.answer(told, `valid\n\n${lines(facts)}`, told.to)
  },
})

/** Returns the operator that the move in a bundle names. The reader compares it with the operator that is to admit. */
function targetOf(events: readonly string[]): BundleTarget {
  const { issuer, operatorId, to } = readMove(events.at(-1)) ?? { issuer: '', operatorId: '', to: '' }
  return { issuer, operatorId, domain: parseDid(to)?.domain ?? '' }
}

function invalid(demand: string): CliError {
  return new CliError(`The bundle cannot be verified: ${demand}`, {
    reason: 'INVALID_BUNDLE',
    exit: 'refused',
    hint: 'Export it again: `auth4agent agent export-bundle`. If it stays wrong, do not trust the server that exported it.',
  })
}
