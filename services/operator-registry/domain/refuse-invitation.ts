import { ApiError } from '../../platform/errors/api-error.ts'

/** Makes the refusal of an invitation. An unknown operator gets the same. */
export function notByRoot(): ApiError {
  return invalidInvitation('a root key that is in force now must have signed it')
}

/** Makes the refusal of an invitation. */
export function invalidInvitation(why: string): ApiError {
  return new ApiError('INVALID_INVITATION', `The invitation is not valid: ${why}`)
}
