import type { Answer } from '../../../http-port/exchange.ts'
import { errorHeaders } from '../../../http-port/problem.ts'
import type { ApiError } from '../../../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../../../platform/errors/reasons.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { pageAnswer } from './document.ts'

/** What helps the person. The detail of an error is for programs. */
const ADVICE: Partial<Readonly<Record<ReasonCode, string>>> = {
  SIGN_IN_FAILED: 'Sign in again. If this comes back, show this page to the people who run your identity provider.',
  USER_NOT_ALLOWED: 'Ask the administrators of your organisation, or sign in as somebody else.',
  TOO_MANY_USERS: 'Your organisation has as many users here as it may have. Its administrators can remove others.',
  PROVIDER_NOT_FOUND: 'The identity provider was removed or changed while you signed in. Sign in again.',
  PROVIDER_UNAVAILABLE: 'Your identity provider does not answer now. Wait a moment, then sign in again.',
  SESSION_ENDED: 'Go back to the program that has sent you here, and begin again.',
  INVALID_ARGUMENT: 'The program that has sent you here has made a mistake. Tell its makers.',
  INVALID_AUDIENCE: 'The program that has sent you here has made a mistake. Tell its makers.',
  CLIENT_NOT_ACCEPTED: 'The program that has sent you here has made a mistake. Tell its makers.',
  REDIRECT_NOT_REGISTERED: 'The program that has sent you here has made a mistake. Tell its makers.',
  CLIENT_NOT_ALLOWED: 'Ask the people who run the service that you want to use to allow this program.',
  CONSENT_REQUIRED: 'Go back to the program that has sent you here, and connect it again.',
  FORM_EXPIRED: 'Go back, open the page again, and repeat what you did.',
  USER_CODE_NOT_FOUND: 'Begin again on the device, and type its new code.',
  RATE_LIMITED: 'Wait a minute, then try again.',
}

/** Returns the page for a refusal: what happened, and what the person can do. */
export function errorPage(host: string, signInPath: string, error: ApiError, requestId: string): Answer {
  const { reason, message } = error
  const { title, status } = reasons[reason]
  const advice =
    ADVICE[reason] ?? 'Sign in again. If this comes back, show this page to the people who run this server.'
  const content = `<p class="lead">${xmlText(advice)}</p>
<p class="message stop" role="alert">${xmlText(message)}.</p>
<a class="button" href="${xmlText(signInPath)}">Sign in again</a>
<p class="note">Reason <code>${reason}</code>, request <code>${xmlText(requestId)}</code></p>`
  return pageAnswer(host, { title, content }, { status, headers: errorHeaders(error) })
}
