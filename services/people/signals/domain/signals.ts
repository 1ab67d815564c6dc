/** All ways in which the server learns that a provider has ended a user. The first one is the default. */
export const SIGNALS = ['none', 'ssf', 'logout', 'refresh'] as const
/** How the server learns that a provider has ended a user. */
export type Signals = (typeof SIGNALS)[number]

/** What operators are told about a way. */
interface About {
  /** The last part of the path to which the provider sends; undefined if it sends nothing. */
  readonly path: string | undefined
  /** When no token of a user is valid any more after the provider has ended the user. */
  readonly bound: string
}

/** What a logout at a provider can end. The first one is the default. */
export const ON_LOGOUT = ['sessions', 'tokens'] as const

const ABOUT: Readonly<Record<Signals, About>> = {
  none: {
    path: undefined,
    bound: 'The server does not learn it. A connection lasts 8 hours, then the user signs in again',
  },
  ssf: {
    path: 'events',
    bound: 'No token is valid once the server has answered 202 to the event of the provider',
  },
  logout: {
    path: 'logout',
    bound: 'Sessions end once the server has answered 200 to the logout of the provider. A connection lasts 8 hours',
  },
  refresh: {
    path: undefined,
    bound: 'No token is valid 20 minutes after the provider refuses to refresh: the server asks it every 15 minutes',
  },
}
const TOKENS_END = 'No token is valid once the server has answered 200 to the logout of the provider'

/** Returns what operators are told about the signals of a provider. */
export function describeSignals(
  issuer: string,
  { id, signals, onLogout }: { readonly id: string; readonly signals: string; readonly onLogout: string },
): { readonly signalsUri: string; readonly signalsBound: string } {
  const { path, bound } = ABOUT[SIGNALS.find((each) => each === signals) ?? 'none']
  return {
    signalsUri: path === undefined ? '' : signalsUri(issuer, id, path),
    signalsBound: onLogout === 'tokens' ? TOKENS_END : bound,
  }
}

/** Tells whether the tokens of a user end when the provider ends the user. Else connections do not last long. */
export function tellsOfEndedUsers(provider: {
  readonly signals: string | null
  readonly onLogout: string | null
}): boolean {
  return provider.signals === 'ssf' || provider.signals === 'refresh' || provider.onLogout === 'tokens'
}

/** Returns the URL to which a provider sends its signals: another one for each provider. */
export function signalsUri(issuer: string, providerId: string, path: string): string {
  return `${issuer}/people/providers/${providerId}/${path}`
}
