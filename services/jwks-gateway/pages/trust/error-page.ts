import type { ApiError } from '../../../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../../../platform/errors/reasons.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { document } from './document.ts'

const COMMAND = '<code class="command">auth4agent trust show-graph --link</code>'
/** What helps, in place of the detail of an error, which is for programs. */
const ADVICE: Partial<Readonly<Record<ReasonCode, string>>> = {
  INVALID_VIEW: `Check that you have copied the whole link. If you have, ${COMMAND} makes a new one.`,
  VIEW_EXPIRED: `A link works for 5 minutes, and only while the key that made it is valid. ${COMMAND} makes a new one.`,
}

/** Returns the page for a refusal: what happened, and where to go on. */
export function errorPage({ reason, message, traceId }: ApiError, requestId: string): string {
  const { title } = reasons[reason]
  const inTrace = traceId === undefined ? '' : `, trace <code>${xmlText(traceId)}</code>`
  return document(
    title,
    `<h1>${xmlText(title)}</h1>
<p class="lead">${ADVICE[reason] ?? `${xmlText(message)}.`}</p>
<p><a href="?">Show the public statements</a></p>
<footer>Reason <code>${reason}</code>, request <code>${xmlText(requestId)}</code>${inTrace}</footer>`,
  )
}
