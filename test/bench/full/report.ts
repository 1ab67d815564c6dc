import type { MeasuredStatement } from '../../growth/measure-statement.ts'
import { withRange } from '../report.ts'
import { table } from '../table.ts'
import type { Memory } from '../usage.ts'
import type { Endured } from './endurance.ts'
import type { Enrolled } from './enrolments.ts'
import type { Growth } from './growth.ts'
import type { PeopleFindings } from './people.ts'
import type { StatusListFindings } from './status-lists.ts'
import type { Suspensions } from './suspension.ts'

/** The results of the long benchmark. A part that was not measured is absent. */
export interface FullFindings {
  readonly growth?: Growth
  readonly endurance?: readonly Endured[]
  readonly suspension?: Suspensions
  readonly enrolments?: Enrolled
  readonly statusLists?: StatusListFindings
  readonly people?: PeopleFindings
  readonly statements?: readonly MeasuredStatement[]
}

const mib = (memory: Memory | undefined): string[] =>
  (['rss', 'pss', 'uss'] as const).map((kind) =>
    memory === undefined ? '' : String(Math.round(memory[kind] / 2 ** 20)),
  )

/** Returns the long benchmark's part of the report as Markdown. */
export function fullMarkdown(findings: FullFindings): string {
  const { growth, endurance, suspension, enrolments, statusLists, people, statements } = findings
  return [
    ...(growth === undefined ? [] : ['## Growth', growthTable(growth), growthLine(growth)]),
    ...(endurance === undefined ? [] : ['## Memory under load', enduranceTable(endurance)]),
    ...(suspension === undefined ? [] : ["## An operator's suspension", suspensionLine(suspension)]),
    ...(enrolments === undefined ? [] : ['## Agents that enrol themselves', enrolmentLine(enrolments)]),
    ...(people === undefined ? [] : ['## People', pageLine(people), refreshTable(people)]),
    ...(statements === undefined ? [] : ['## Statements on grown tables', statementsTable(statements)]),
    ...(statusLists === undefined ? [] : ['## Status lists', listsLine(statusLists), listsTable(statusLists)]),
  ]
    .join('\n\n')
    .concat('\n')
}

function growthTable({ stages }: Growth): string {
  return table(
    ['agents', 'live revocations', 'start ms', 'RSS MiB', 'PSS MiB', 'USS MiB'],
    stages.map(({ agents, revocations, startMs, memory }) => [
      String(agents),
      String(revocations),
      String(Math.round(startMs)),
      ...mib(memory),
    ]),
  )
}

const growthLine = ({ cpu, time }: Growth): string =>
  'Cost per token with the grown database ÷ with a nearly empty one (must ≤ 1.15, aim ≤ 1.05): ' +
  `processor time of server and database **${withRange(cpu, 3)}**, time at full load ${withRange(time, 3)}.`

function statementsTable(statements: readonly MeasuredStatement[]): string {
  return table(
    ['statement of', 'reads', 'cost', 'ms', 'buffers', 'to its end'],
    statements
      .toSorted((a, b) => b.cost - a.cost)
      .map(({ sites, plan, cost, ms, buffers, scans }) => [
        sites.join(' '),
        plan,
        String(Math.round(cost)),
        ms?.toFixed(2) ?? '',
        String(buffers ?? ''),
        scans.join('; ').replaceAll('|', '\\|'),
      ]),
  )
}

function enduranceTable(samples: readonly Endured[]): string {
  return table(
    ['seconds of load', 'RSS MiB', 'PSS MiB', 'USS MiB', 'oidc-provider RSS MiB', 'PSS MiB', 'USS MiB'],
    samples.map(({ seconds, ours, peer }) => [String(Math.round(seconds)), ...mib(ours), ...mib(peer)]),
  )
}

const suspensionLine = ({ idle, underLoad }: Suspensions): string =>
  `Time from the call to its return: ${withRange(underLoad, 1)} ms while the server issues tokens at full load, ` +
  `${withRange(idle, 1)} ms without load.`

const enrolmentLine = ({ agents, seconds, cpuMs }: Enrolled): string =>
  `${agents} agents, 32 at a time: ${Math.round(agents / seconds)} a second` +
  (cpuMs === undefined ? '.' : `, ${cpuMs.toFixed(1)} ms of the server's processor time each.`)

const listsLine = ({ tokens, agents, rssBefore }: StatusListFindings): string =>
  `A list with ${tokens} tokens of ${agents} agents. Memory of the server before: ${inMib(rssBefore)} MiB RSS.`

const pageLine = ({ page: { p50, p95, p99 } }: PeopleFindings): string =>
  `The page of consent, for a client whose document the server has: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms ` +
  `(goal 20), p99 ${p99.toFixed(1)} ms.`

function refreshTable({ refreshes }: PeopleFindings): string {
  return table(
    ['connections before', 'processor time of a refresh, server and database, µs'],
    refreshes.map(({ connections, cpuUs }) => [String(connections), withRange(cpuUs, 0)]),
  )
}

function listsTable({ lists }: StatusListFindings): string {
  return table(
    ['ended tokens', 'size KB', 'first answer ms', 'later answers ms', 'RSS MiB'],
    lists.map(({ endedShare, bytes, firstMs, laterMs, rss }) => [
      `${endedShare * 100} %`,
      (bytes / 1_000).toFixed(1),
      String(Math.round(firstMs)),
      laterMs.toFixed(1),
      inMib(rss),
    ]),
  )
}

const inMib = (bytes: number | undefined): string => (bytes === undefined ? '' : String(Math.round(bytes / 2 ** 20)))
