import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { KeyLog, PendingKeyEvent } from '@auth4agent/sdk'
import { readMove } from './moves.ts'
import { columns, lines } from './text.ts'
import { writeTime } from './times.ts'

const DAY_S = 86_400
const HOUR_S = 3600

/** Writes an age or a remaining time in whole days, or in hours if it is short. */
export function spanText(seconds: number): string {
  const s = Math.max(0, seconds)
  return s >= 2 * DAY_S ? `${Math.floor(s / DAY_S)} days` : `${Math.floor(s / HOUR_S)} hours`
}

/** Writes the keys of an agent for people. */
export function keysText({ did, kid, next, keySinceS, state, pending }: KeyLog, nowS: number): string {
  const told = {
    did,
    'identity key': kid,
    since: `${writeTime(keySinceS)} (${spanText(nowS - keySinceS)})`,
    'next key': next ?? 'none: a thief of the identity key could replace it',
    events: state === undefined ? undefined : state.seq + 1,
    deactivated: state?.deactivated === true ? 'yes' : undefined,
  }
  const warnings = pending.map(pendingText)
  return [lines(told), addedText(state, nowS), ...warnings].filter((part) => part !== '').join('\n\n')
}

function addedText(state: KeyState | undefined, nowS: number): string {
  if (state === undefined || state.addedKeys.length === 0) return ''
  const rows = state.addedKeys.map(({ kid, label, jwk, exp }) => {
    const left = exp <= nowS ? 'expired' : `in ${spanText(exp - nowS)}`
    return [kid, jwk.kty === 'EC' ? 'ES256' : 'EdDSA', `${writeTime(exp)} (${left})`, label]
  })
  return columns([['ADDED KEY', 'ALG', 'EXPIRES', 'LABEL'], ...rows])
}

/** Writes an event that waits, with what to do about it. */
export function pendingText({ type, event, effective_at: at, released_at: released }: PendingKeyEvent): string {
  const when = at ?? 'an unknown time'
  if (type === 'recover')
    return `WARNING: a recovery waits. It replaces the identity key at ${when}.\nIf you did not ask for it, end it now: auth4agent agent-key object-to-recovery`
  const { to, operatorId, issuer } = readMove(event) ?? { to: 'unknown', operatorId: 'unknown', issuer: 'unknown' }
  const state = released
    ? `released at ${released}; the other operator can admit the agent now`
    : `not released; an operator of the same server can admit the agent from ${when}`
  const facts = lines({ 'new did': to, operator: operatorId, server: issuer, state })
  return `a move waits\n${facts}\nIf the agent did not ask for it, end it now: auth4agent agent-key rotate`
}
