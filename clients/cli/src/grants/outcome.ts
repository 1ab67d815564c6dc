import type { Exit } from '../exit-codes.ts'

/** What `grant explain` says of a chain with which it has found nothing wrong. */
interface Outcome {
  readonly word: 'accepted' | 'valid' | 'unknown'
  readonly text: string
  readonly exit: Exit
  /** What was not checked, for people; undefined if nothing is missing. */
  readonly notChecked?: string
  readonly json: { readonly accepted: true | null; readonly not_checked?: readonly string[] }
}

const CALLERS = 'whether the owner of the audience lets every holder of the chain call it'

/** Only the answer of a server about a call is a yes. Everything else says what is missing. */
const OUTCOMES = {
  call: { word: 'accepted', text: 'the chain allows the call', exit: 'ok', json: { accepted: true } },
  chain: {
    word: 'valid',
    text: 'nothing is wrong with the chain',
    exit: 'ok',
    notChecked: `${CALLERS}; with --capability the server is asked about a call`,
    json: { accepted: null, not_checked: ['callers'] },
  },
  'call offline': offline('the grants allow the call'),
  'chain offline': offline('nothing is wrong with the form and the times of the chain'),
} as const satisfies Readonly<Record<string, Outcome>>

/** Returns what is said if nothing is wrong, as far as it was checked. */
export function outcomeOf(isOnline: boolean, hasCall: boolean): Outcome {
  return OUTCOMES[`${hasCall ? 'call' : 'chain'}${isOnline ? '' : ' offline'}`]
}

function offline(text: string) {
  return {
    word: 'unknown',
    text: `${text}, but no server was asked`,
    exit: 'unreachable',
    notChecked: `the signatures of the server, revocations, and ${CALLERS}`,
    json: { accepted: null, not_checked: ['issuer_signatures', 'revocation', 'callers'] },
  } as const
}
