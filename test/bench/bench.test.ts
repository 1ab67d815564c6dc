import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runSql, siblingUrl } from '../support/sql.ts'
import { runBenchmark } from './benchmark.ts'
import { CASES } from './cases.ts'
import { FIGURE_NAMES, FIGURES } from './figures.ts'
import { computeFigures, type Findings, toMarkdown } from './report.ts'

/** Runs the shortest possible round, to find out whether the benchmark still works. It does not check any speed. */
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
        // wrk and h2load measure only whole seconds.
        machine: { pins: false, wrk: false, h2load: false },
      },
      () => undefined,
    )
  })
  afterAll(() => runSql(inject('postgresUrl'), `DROP DATABASE ${database} WITH (FORCE)`))

  it('measures every case', () => {
    const measured = findings.rounds.flatMap(({ measurements }) => measurements.map((one) => one.case))
    // A server without workers leaves out the two cases with workers.
    const always = Object.keys(CASES).filter((name) => !name.includes('worker'))
    expect(measured).toEqual(expect.arrayContaining(always))
    expect(findings.rounds.flatMap(({ measurements }) => measurements).every(({ requests }) => requests > 0)).toBe(true)
  })

  it('computes each figure that the server and the system support', () => {
    const missing = computeFigures(findings).filter(({ summary }) => summary === undefined)
    expect(['workers', 'memory', 'chain-new']).toEqual(expect.arrayContaining(missing.map(({ name }) => name)))
  })

  it('reports each figure and the conditions', () => {
    const markdown = toMarkdown(findings)
    for (const name of FIGURE_NAMES) expect(markdown).toContain(FIGURES[name].title)
    expect(markdown).toContain('fsync')
    expect(markdown).toContain('NOT PINNED')
  })
})
