import type { PrismaClient, User } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { SealedToken } from '../store/provider-tokens.ts'
import { holdProvider, namedGroups, storeSignIn } from '../store/sign-in.ts'
import { type UserSource, userSubject } from './domain/user-subject.ts'
import { countingGroups, printableName } from './domain/vouched-texts.ts'

/** Dependencies of signInUser. */
export interface SignInDeps {
  readonly prisma: PrismaClient
  /** The call of the browser. */
  readonly author: Author
}

/** A person for whom an identity provider has vouched. */
export interface VouchedPerson extends UserSource {
  readonly providerId: string
  /**
   * The edge of the provider whose rules the ID token has met. A provider that was changed since has another edge, and
   * has not vouched.
   */
  readonly providerEdge: string
  /** The name to show. */
  readonly name: string
  /** The refresh token of a provider that must be asked again, sealed. */
  readonly token?: SealedToken | undefined
  /** When the server began to redeem the answer of the provider, as the database writes it. */
  readonly redeemedAt: string
  /** All groups that the provider names. */
  readonly groups: readonly string[]
}

/** Subjects at a provider have at most 255 characters (OpenID Connect Core 1.0 section 2). */
const SUB = /^[^\p{Cc}]{1,255}$/u

/**
 * Makes or updates the row of a user that has signed in at an identity provider, and writes the audit.
 *
 * @throws ApiError INVALID_ARGUMENT, PROVIDER_NOT_FOUND, OPERATOR_NOT_ACTIVE, USER_NOT_ALLOWED, TOO_MANY_USERS,
 *   SIGN_IN_FAILED
 */
export function signInUser({ prisma, author }: SignInDeps, person: VouchedPerson): Promise<User> {
  const { operatorId, providerId, issuer, tenant, sub } = person
  return change(prisma, author, async (tx, audit) => {
    checkVouched(person)
    const subject = userSubject(person)
    const providerEdge = await holdProvider(tx, operatorId, providerId)
    if (person.providerEdge !== providerEdge) {
      throw new ApiError('PROVIDER_NOT_FOUND', 'The identity provider was changed while you signed in')
    }
    const groups = countingGroups(person.groups, await namedGroups(tx, operatorId))
    const name = printableName(person.name)
    const { token, redeemedAt } = person
    const named = { operatorId, subject, providerId, providerEdge, tenant, sub, name, groups }
    const row = await storeSignIn(tx, { ...named, token, redeemedAt })
    // The audit stays when a user is removed, so it never says who the user is.
    await audit({ action: 'user.sign-in', subject, operatorId, reason: issuer })
    return row
  })
}

/** The sign-in has checked both already. The database could not store a text with a NUL or a lone surrogate. */
function checkVouched({ tenant, sub }: VouchedPerson): void {
  const isGood = SUB.test(sub) && sub.isWellFormed() && (tenant === '' || (SUB.test(tenant) && tenant.isWellFormed()))
  if (!isGood) throw new ApiError('INVALID_ARGUMENT', 'A subject and a tenant must have 1 to 255 printable characters')
}
