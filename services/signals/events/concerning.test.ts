import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { freshOperator, insertAgent } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { insertStream } from '../../../test/support/signals.ts'
import { noteRecords } from '../push/note-records.ts'
import { jtiKey, subKey } from '../store/subjects.ts'
import { concerningRecords } from './concerning.ts'

const RUNS = 40
const database = await testDatabase()
const { db } = database
const { prisma, pool } = db
afterAll(() => database.drop())

const operators = [await freshOperator(db), await freshOperator(db), await freshOperator(db)]
const agents = await Promise.all([...operators, ...operators].map((operator) => insertAgent(db, operator)))
const JTIS = ['one', 'two']
/** The subjects that a receiver can add. */
const KEYS = [...operators.map(({ id }) => subKey(id)), ...agents.map(({ did }) => subKey(did)), ...JTIS.map(jtiKey)]

const append = (kind: string, operator: string | null, subject: string) =>
  pool.query('SELECT append_revocation($1, $2, $3, 1, tokens_have_expired())', [kind, operator, subject])

/** Every record of the log that differs for the rule. */
const RECORDS: readonly (() => Promise<unknown>)[] = [
  ...operators.map(
    ({ id }) =>
      () =>
        append('operator', id, ''),
  ),
  ...agents.map(
    ({ operatorId, did }) =>
      () =>
        append('agent', operatorId, did),
  ),
  ...operators.flatMap(({ id }) => ['one', 'two', 'other'].map((jti) => () => append('token', id, jti))),
  () => append('edge', null, 'an edge'),
  () => append('deployment', null, ''),
]

const stream = fc.record({
  owner: fc.nat(operators.length - 1),
  subjects: fc.uniqueArray(fc.record({ key: fc.constantFrom(...KEYS), isAdded: fc.boolean() }), {
    selector: ({ key }) => key,
    maxLength: 4,
  }),
})

/** The last record that each stream finds after its cursor, by the rule from the side of the stream. */
async function found(): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ id: string; last: string | null }>(
    `SELECT s.id, (SELECT max(sequence) FROM (${concerningRecords('r.sequence', '1000')}) c) AS last FROM signal_streams s`,
  )
  return new Map(rows.flatMap(({ id, last }) => (last === null ? [] : [[id, Number(last)] as const])))
}

it(`noteRecords notes at each stream the last record that it finds, in ${RUNS} random cases`, async () => {
  let noted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(stream, { minLength: 3, maxLength: 3 }),
      fc.array(fc.nat(RECORDS.length - 1), { minLength: 1, maxLength: 3 }),
      async (streams, records) => {
        await prisma.signalStream.deleteMany()
        await noteRecords(pool)
        for (const { owner, subjects } of streams) {
          const { id } = await insertStream(db, operators[owner]?.id ?? '')
          await prisma.signalSubject.createMany({
            data: subjects.map(({ key, isAdded }) => ({ key, isAdded, streamId: id })),
          })
        }
        for (const record of records) await RECORDS[record]?.()
        await noteRecords(pool)
        const expected = await found()
        const rows = await prisma.signalStream.findMany()
        const newest = rows
          .filter((row) => row.newest > row.sequence)
          .map((row) => [row.id, Number(row.newest)] as const)
        expect(new Map(newest)).toEqual(expected)
        noted += expected.size
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  )
  expect(noted).toBeGreaterThan(RUNS / 2)
})
