import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { systemAuthor } from '../../services/ledger/ledger.ts'
import { signInUser, type VouchedPerson } from '../../services/people/users/sign-in-user.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { toApiError } from '../../services/platform/errors/api-error.ts'
import { peopleVault, providerRow } from './people.ts'

const PERSON = { tenant: '', claim: 'sub', name: '', groups: [], redeemedAt: 'now' }

/** Inserts an identity provider of an operator, at which anybody can be signed in. */
export async function providerOf({ prisma }: Db, operatorId: string, issuer = 'https://login.example') {
  const { id: providerId, edgeId: providerEdge } = await prisma.identityProvider.create({
    data: { operatorId, ...providerRow(peopleVault, `p${randomUUID()}`, issuer) },
  })
  return {
    providerId,
    providerEdge,
    /** Signs a person in. */
    signIn: (sub: string, more: Partial<VouchedPerson> = {}) =>
      signInUser(
        { prisma, author: systemAuthor('test') },
        { ...PERSON, operatorId, providerId, providerEdge, issuer, sub, ...more },
      ).catch((error: unknown) => {
        throw toApiError(error)
      }),
  }
}

/** Returns what a verifier looks up about a token that a user has got now. */
export async function tokenOfUser({ prisma }: Db, operatorId: string, subject: string): Promise<TokenIdentity> {
  const { epoch: operatorEpoch } = await prisma.operator.findUniqueOrThrow({ where: { id: operatorId } })
  const user = await prisma.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId, subject } } })
  const edges = user.providerEdge === null ? [] : [user.providerEdge]
  return { jti: randomUUID(), operatorId, sub: subject, agentEpoch: user.epoch, operatorEpoch, kid: 'k', edges }
}
