import { beforeAll, describe } from 'vitest'
import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { fullCases, fullSubjectCases, issuerCases } from './cases/issuers.ts'
import { tenantCases } from './cases/tenants.ts'
import { NOBODY } from './cases/valid-requests.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { seedIssuer } from './support/seed-issuers.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === IssuerService

describe('rules of IssuerService', () => runCases(world, issuerCases))
describe('assertions to IssuerService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call IssuerService', () => runCases(world, tenantCases.filter(isOurs)))

describe('a deployment with 64 issuers', () => {
  beforeAll(async () => {
    const { db } = world()
    for (let count = await db.prisma.issuer.count(); count < 64; count += 1) await seedIssuer(db, 'disabled')
  })
  runCases(world, fullCases)
})

describe('an identity provider with 10,000 rules', () => {
  beforeAll(async () => {
    const { db, issuers } = world()
    const { provider } = issuers
    const rule = { issuerId: provider.id, tenant: '', operatorId: NOBODY, subject: 'user:a', audiences: [], scopes: [] }
    // Prisma splits a larger insert, and sends the parts over one connection at the same time.
    for (const part of ['a', 'b', 'c']) {
      const data = Array.from({ length: 3_333 }, (_, index) => ({ ...rule, sub: `many-${part}${index}` }))
      await db.prisma.issuerSubject.createMany({ data })
    }
  })
  runCases(world, fullSubjectCases)
})
