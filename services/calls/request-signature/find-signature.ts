import { type InnerList, isInnerList, parseDictionary } from 'structured-headers'
import { demand, refusedSignature } from './refuse-signature.ts'
import type { SignableRequest } from './signable-request.ts'

/** The value of the parameter `tag` that marks a signature for this server (RFC 9421 section 2.3). */
export const SIGNATURE_TAG = 'auth4agent'
/** The tag as it is written. A text within a text cannot look like it, because its quotes are escaped (RFC 9651). */
const WRITTEN_TAG = new RegExp(`; *tag="${SIGNATURE_TAG}"`, 'g')

/** The signature of a request that is for this server. It is not verified yet. */
export interface FoundSignature {
  readonly label: string
  /** The covered components and the parameters. */
  readonly input: InnerList
}

/**
 * Finds the signature with the tag of this server. Signatures with other tags are for other programs, for example for
 * a proxy, and are ignored. Returns undefined if there is none. A dictionary keeps only the last of several members
 * with one label (RFC 9651 section 3.2), and other programs may read the first. So this counts the written tags too.
 * @throws ApiError INVALID_REQUEST_SIGNATURE if Signature-Input cannot be read, or if there are several
 */
export function findSignature(request: SignableRequest): FoundSignature | undefined {
  const ours = [...readInputs(request)].flatMap(([label, input]) =>
    isInnerList(input) && input[1].get('tag') === SIGNATURE_TAG ? [{ label, input }] : [],
  )
  const written = valueOf(request, 'signature-input').match(WRITTEN_TAG)?.length ?? 0
  demand(
    written === ours.length && ours.length <= 1,
    `The request must have only one signature with the tag "${SIGNATURE_TAG}", under a label of its own`,
  )
  return ours[0]
}

/** Returns whether a request has a signature for this server, also if that signature is not valid. */
export function hasOwnSignature(request: SignableRequest): boolean {
  try {
    return findSignature(request) !== undefined
  } catch {
    return valueOf(request, 'signature-input').includes(`"${SIGNATURE_TAG}"`)
  }
}

/** Returns the value of a header, which may have been sent in several lines (RFC 9110 section 5.2). */
export function valueOf({ fields }: SignableRequest, wanted: string): string {
  return fields
    .filter(({ name }) => name === wanted)
    .map(({ value }) => value)
    .join(', ')
}

function readInputs(request: SignableRequest) {
  try {
    return parseDictionary(valueOf(request, 'signature-input'))
  } catch (cause) {
    throw refusedSignature('Signature-Input must be a dictionary of structured fields (RFC 9421 section 4.1)', cause)
  }
}
