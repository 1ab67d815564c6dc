import type { KeyChange } from '@auth4agent/core/key-events/sign-key-event'
import type { Signer } from '@auth4agent/sdk'
import { proving } from './everywhere.ts'

/** A move that a key event asks for. */
export type Move = Extract<KeyChange, { type: 'move' }>

/** A change that a thief of the current key tries, and the reason with which the server refuses it. */
interface Theft {
  readonly name: string
  /** Returns the change. `move` is a move to an operator of the thief, and `own` is a key of the thief. */
  readonly change: (means: { readonly move: Move; readonly own: Signer }) => KeyChange
  readonly reason: string
}

/** The changes that a thief of the current key cannot make, because the agent has committed to another key. */
export const THEFTS: readonly Theft[] = [
  {
    name: 'rotate to a key of the thief',
    change: ({ own }) => ({ type: 'rotate', key: proving(own) }),
    reason: 'KEY_NOT_COMMITTED',
  },
  { name: 'deactivate the agent', change: () => ({ type: 'deactivate' }), reason: 'KEY_NOT_COMMITTED' },
  {
    name: 'deactivate the agent with another key',
    change: ({ own }) => ({ type: 'deactivate', key: proving(own) }),
    reason: 'KEY_NOT_COMMITTED',
  },
  { name: 'move the agent', change: ({ move }) => move, reason: 'KEY_NOT_COMMITTED' },
  {
    name: 'move the agent with another key',
    change: ({ move, own }) => ({ ...move, key: proving(own) }),
    reason: 'KEY_NOT_COMMITTED',
  },
  { name: 'recover the agent alone', change: () => ({ type: 'recover' }), reason: 'INVALID_KEY_EVENT' },
]
