import { signedIntrospection } from '../authn/oauth/signed-introspection.ts'
import type { Resources } from '../calls/resource.ts'
import { federationDocuments } from '../federation/representations.ts'
import { didResolution } from '../identity/did-resolution.ts'
import { signalAnswers } from '../signals/representations.ts'
import { statusListDocuments } from '../status-list/representations.ts'

/**
 * The representations of all answers that exist in other forms than plain JSON. Each import names a file, so that a
 * gateway loads no code of the services that it calls.
 */
export const REPRESENTATIONS: Resources = {
  ...didResolution,
  ...signedIntrospection,
  ...federationDocuments,
  ...statusListDocuments,
  ...signalAnswers,
}
