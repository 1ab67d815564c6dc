import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fieldRows } from './cases/field-rows.ts'
import { answeredFields, fieldCases, places } from './cases/fields.ts'
import { sendCase } from './support/refusal.ts'
import { expectNoErrorLines, runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()

describe('a mistake in a single field', () => runCases(world, fieldCases))

describe('a value at a limit in a call that changes nothing', () => {
  it.each(answeredFields.map((asked) => [asked.name, asked] as const))(
    'is accepted and the call is answered: %s',
    async (_, { request, ...asked }) => {
      const before = await world().snapshot('')
      for (const transport of ['rest', 'grpc'] as const) {
        const refusal = { ...asked, request, reason: 'INTERNAL' } as const
        const answer = await sendCase(world(), refusal, transport, {
          request: request(world()),
          requestId: randomUUID(),
        })
        answer.expectAnswered()
      }
      expect(await world().snapshot('')).toEqual(before)
    },
  )
})

it('the table of fields has a row for every field and no other row', () => {
  expect(Object.keys(fieldRows).toSorted()).toEqual([...new Set(places.map(({ key }) => key))].toSorted())
})

expectNoErrorLines(world)
