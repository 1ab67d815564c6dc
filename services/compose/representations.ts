import { signedIntrospection } from '../authn/index.ts'
import type { Resources } from '../calls/resource.ts'
import { didResolution } from '../identity/index.ts'
import { signalAnswers } from '../signals/index.ts'
import { statusListDocuments } from '../status-list/index.ts'
import { federationDocuments } from '../trust/index.ts'

/** The representations of all answers that exist in other forms than plain JSON. */
export const REPRESENTATIONS: Resources = {
  ...didResolution,
  ...signedIntrospection,
  ...federationDocuments,
  ...statusListDocuments,
  ...signalAnswers,
}
