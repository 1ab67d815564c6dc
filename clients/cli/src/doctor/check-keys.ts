import { Auth4AgentError, type KeyLog, openCalls } from '@auth4agent/sdk'
import { spanText } from '../key-log-text.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import type { Probe } from './probe.ts'

/** Arguments of {@link checkKeys}. */
interface KeysCheck {
  readonly probe: Probe
  readonly did: string
  readonly fetch: typeof globalThis.fetch
  /** Unix milliseconds. */
  readonly now: () => number
}

const DAY_S = 86_400
/** The age after which an identity key should be replaced, and the days before the end of an added key to say so. */
const OLD_S = 365 * DAY_S
const SOON_S = 14 * DAY_S

/** Verifies the log of an agent's keys, and judges their age and expiry. Returns no finding for an older server. */
export async function checkKeys({ probe, did, fetch, now }: KeysCheck): Promise<readonly Finding[]> {
  const known = await probe.get(`/v1/agent/${did}`)
  if (known.kind === 'none' || known.status !== 200) return []
  try {
    return judgeKeys(await openCalls({ server: probe.server, fetch }).keyEvents(did), now() / 1000)
  } catch (error) {
    if (!(error instanceof Auth4AgentError)) throw error
    if (error.status === 404) return []
    const cure = 'If the server is yours, look at its logs. Otherwise do not trust it.'
    return [problem('keys', `the log of the agent's keys cannot be used: ${error.message}`, cure)]
  }
}

/** Judges the keys of an agent at a time in Unix seconds. */
export function judgeKeys({ kid, next, keySinceS, state, pending }: KeyLog, nowS: number): readonly Finding[] {
  const waiting = pending.find(({ type }) => type === 'recover')
  const age = nowS - keySinceS
  const told = `the identity key ${kid} is ${spanText(age)} old, after ${(state?.seq ?? 0) + 1} events`
  const rotate = 'Replace it: `auth4agent agent-key rotate`.'
  const identity = age > OLD_S ? warning('keys', told, rotate) : ok('keys', `${told}; next key: ${next ?? 'none'}`)
  const added = (state?.addedKeys ?? []).flatMap(({ label, kid: addedKid, exp }) => {
    if (exp - nowS > SOON_S) return [ok('added key', `${label} expires in ${spanText(exp - nowS)}`)]
    const when = exp <= nowS ? 'has expired' : `expires in ${spanText(exp - nowS)}`
    return [warning('added key', `${label} (${addedKid}) ${when}`, 'Add a new key and remove this one.')]
  })
  const recovery =
    waiting === undefined
      ? []
      : [
          problem(
            'recovery',
            `a recovery waits: it replaces the identity key at ${waiting.effective_at ?? 'an unknown time'}`,
            'If you did not ask for it, end it now: `auth4agent agent-key object-to-recovery`.',
          ),
        ]
  const move = pending.some(({ type }) => type === 'move')
    ? [
        warning(
          'move',
          'a move of the agent waits',
          'If you did not ask for it, end it: `auth4agent agent-key rotate`.',
        ),
      ]
    : []
  return [...recovery, ...move, identity, ...added]
}
