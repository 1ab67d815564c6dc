import { createHash } from 'node:crypto'
import { openText, sealText } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { FlowDeps } from '../sign-in/flow.ts'

/** For whom a form is, and what it says. */
interface FormTerms {
  /** Names the session; empty if nobody is signed in. */
  readonly sessionId: string
  readonly content: string
}

/** Seconds for which a page may stay open. */
const LIFETIME_S = 3_600

/** Returns the secret text of a form, which another site does not know. */
export function sealForm(deps: FlowDeps, terms: FormTerms): Promise<string> {
  const expiresAt = Math.floor(deps.now() / 1000) + LIFETIME_S
  return sealText(deps, 'form', `${expiresAt}.${digestOf(terms)}`)
}

/**
 * Checks that this server made a form, for this session and content, within the last hour.
 *
 * @throws ApiError FORM_EXPIRED
 */
export async function checkForm(deps: FlowDeps, form: string, terms: FormTerms): Promise<void> {
  const [expiresAt, digest] = (await openText(deps, 'form', form))?.split('.') ?? []
  if (digest === digestOf(terms) && deps.now() < Number(expiresAt) * 1000) return
  throw new ApiError('FORM_EXPIRED', 'Open the page again: it is too old, or it was made for another browser')
}

function digestOf({ sessionId, content }: FormTerms): string {
  return createHash('sha256')
    .update(JSON.stringify([sessionId, content]))
    .digest('base64url')
}
