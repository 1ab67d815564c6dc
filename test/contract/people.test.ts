import { beforeAll, describe } from 'vitest'
import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { fullClientCases, fullPeopleCases, peopleCases } from './cases/people.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { fillClients } from './support/seed-clients.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === PeopleService

describe('rules of PeopleService', () => runCases(world, peopleCases))
describe('assertions to PeopleService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call PeopleService', () => runCases(world, tenantCases.filter(isOurs)))

describe('an operator with 4 identity providers', () => {
  beforeAll(async () => {
    for (const name of ['second', 'third', 'fourth']) await world().insertProvider(name, `https://${name}.example`)
  })

  runCases(world, fullPeopleCases)
})

describe('an operator with 10,000 clients', () => {
  beforeAll(() => fillClients(world().db, world().operators.acme.id))

  runCases(world, fullClientCases)
})
