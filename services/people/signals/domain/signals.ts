/** All ways in which the server learns that a provider has ended a user. The first one is the default. */
export const SIGNALS = ['none', 'ssf'] as const
/** How the server learns that a provider has ended a user. */
export type Signals = (typeof SIGNALS)[number]

/** What operators are told about a way. */
interface About {
  /** The last part of the path to which the provider sends; undefined if it sends nothing. */
  readonly path: string | undefined
  /** When no token of a user is valid any more after the provider has ended the user. */
  readonly bound: string
}

const ABOUT: Readonly<Record<Signals, About>> = {
  none: {
    path: undefined,
    bound: 'The server does not learn it. A connection ends after some hours, then the user signs in again',
  },
  ssf: {
    path: 'events',
    bound: 'No token is valid once the server has answered 202 to the event of the provider',
  },
}

/** Returns what operators are told about the signals of a provider. */
export function describeSignals(
  issuer: string,
  { id, signals }: { readonly id: string; readonly signals: string },
): { readonly signalsUri: string; readonly signalsBound: string } {
  const { path, bound } = ABOUT[SIGNALS.find((each) => each === signals) ?? 'none']
  return { signalsUri: path === undefined ? '' : signalsUri(issuer, id, path), signalsBound: bound }
}

/** Returns the URL to which a provider sends its signals: another one for each provider. */
export function signalsUri(issuer: string, providerId: string, path: string): string {
  return `${issuer}/people/providers/${providerId}/${path}`
}
