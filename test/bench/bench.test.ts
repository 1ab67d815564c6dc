import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runSql, siblingUrl } from '../support/sql.ts'
import { runBenchmark } from './benchmark.ts'
import { CASES } from './cases.ts'
import { FIGURE_NAMES, FIGURES } from './figures.ts'
import { computeFigures, type Findings, toMarkdown } from './report.ts'

/** One round, as short as it can be, so that the benchmark works on the day that somebody needs it. No speed is judged. */
describe('a benchmark of every figure', () => {
  const database = `bench_${randomUUID().replaceAll('-', '')}`
  let findings: Findings

  beforeAll(async () => {
    await runSql(inject('postgresUrl'), `CREATE DATABASE ${database}`)
    findings = await runBenchmark(
      {
        rounds: 1,
        seconds: 0.2,
        agents: 8,
        dataParent: undefined,
        cpuProfile: undefined,
        figures: FIGURE_NAMES,
        databaseUrl: siblingUrl(inject('postgresUrl'), database),
        idleMs: 0,
        // Other generators know whole seconds only.
        machine: { pins: false, wrk: false, h2load: false },
      },
      () => undefined,
    )
  })
  afterAll(() => runSql(inject('postgresUrl'), `DROP DATABASE ${database} WITH (FORCE)`))

  it('measures each kind of request', () => {
    const measured = findings.rounds.flatMap(({ measurements }) => measurements.map((one) => one.case))
    // A server without workers leaves these two out.
    const always = Object.keys(CASES).filter((name) => !name.includes('worker'))
    expect(measured).toEqual(expect.arrayContaining(always))
    expect(findings.rounds.flatMap(({ measurements }) => measurements).every(({ requests }) => requests > 0)).toBe(true)
  })

  it('computes each figure, but for those that need what the server or the system lacks', () => {
    const missing = computeFigures(findings).filter(({ summary }) => summary === undefined)
    expect(['workers', 'memory']).toEqual(expect.arrayContaining(missing.map(({ name }) => name)))
  })

  it('reports each figure and the conditions', () => {
    const markdown = toMarkdown(findings)
    for (const name of FIGURE_NAMES) expect(markdown).toContain(FIGURES[name].title)
    expect(markdown).toContain('fsync')
    expect(markdown).toContain('NOT PINNED')
  })
})
