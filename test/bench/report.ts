import { CASES } from './cases.ts'
import { FIGURES, type Figure, type FigureName, floorUs } from './figures.ts'
import type { Measurement } from './measure.ts'
import type { Load, Round } from './rounds.ts'
import type { StartRound } from './starts.ts'
import { type Summary, summarise } from './statistics.ts'
import { table } from './table.ts'

/** All results of a run. */
export interface Findings {
  readonly at: string
  /** Facts about machine and database that a reader must know. */
  readonly conditions: readonly string[]
  readonly figures: readonly FigureName[]
  readonly rounds: readonly Round[]
  readonly starts: readonly StartRound[]
  /**
   * Milliseconds of the first start of each server. This server's first start is on an empty database and includes
   * migrations.
   */
  readonly firstStartMs: { readonly ours: number; readonly peer: number }
}

/** A figure over all rounds. */
export interface FigureResult {
  readonly name: FigureName
  /** One value for each round. */
  readonly values: readonly number[]
  /** Undefined if the figure could not be computed. */
  readonly summary: Summary | undefined
}

/** Computes the figures round by round. */
export function computeFigures({ figures, rounds, starts }: Findings): readonly FigureResult[] {
  return figures.map((name) => {
    const figure: Figure = FIGURES[name]
    const facts = figure.needsStarts ? starts.map((each) => ({ starts: each })) : rounds.map((round) => ({ round }))
    const values = facts.flatMap((each) => figure.of(each) ?? [])
    return { name, values, summary: summarise(values) }
  })
}

/** Returns the report as Markdown: the figures, then all measurements. */
export function toMarkdown(findings: Findings): string {
  const { at, conditions, rounds, starts, firstStartMs } = findings
  return [
    `# Benchmark of ${at}`,
    conditions.map((line) => `- ${line}`).join('\n'),
    `## Figures: median of ${Math.max(rounds.length, starts.length)} rounds`,
    table(['figure', 'must', 'aim', 'median', 'range', 'each round', ''], computeFigures(findings).map(figureRow)),
    ...(rounds.length === 0
      ? []
      : ['## Loads: median (range)', loadTable(rounds), floorLine(rounds), othersLine(rounds)]),
    ...(starts.length === 0 ? [] : ['## Starts and idle memory: median (range)', startTable(starts)]),
    `The very first start took ${Math.round(firstStartMs.ours)} ms for this server (on an empty database, with migrations) and ${Math.round(firstStartMs.peer)} ms for oidc-provider.`,
  ]
    .join('\n\n')
    .concat('\n')
}

function figureRow({ name, values, summary }: FigureResult): readonly string[] {
  const { title, better, must, aim }: Figure = FIGURES[name]
  const sign = better === 'more' ? '≥' : '≤'
  const limits = [`${sign} ${short(must)}`, `${sign} ${short(aim)}`]
  if (summary === undefined) return [title, ...limits, 'not available', '', '', '']
  const reaches = (limit: number) => (better === 'more' ? summary.median >= limit : summary.median <= limit)
  const verdict = reaches(aim) ? 'aim reached' : reaches(must) ? 'reached' : 'NOT REACHED'
  const range = `${short(summary.min)} to ${short(summary.max)}`
  return [title, ...limits, `**${short(summary.median)}**`, range, values.map(short).join(' '), verdict]
}

function loadTable(rounds: readonly Round[]): string {
  const all = rounds.flatMap(({ measurements }) => measurements)
  const loads = [...new Map(all.map((one) => [`${one.case}@${one.connections}`, one])).values()]
  const header = ['request', 'connections', 'per second', 'p50 ms', 'p99 ms', 'CPU µs', 'core %', 'database CPU µs']
  return table(
    header,
    loads.map((load) => loadRow(load, all)),
  )
}

function loadRow(load: Load, all: readonly Measurement[]): readonly string[] {
  const same = all.filter((one) => one.case === load.case && one.connections === load.connections)
  const of = (value: (one: Measurement) => number | undefined, digits: number): string =>
    withRange(summarise(same.flatMap((one) => value(one) ?? [])), digits)
  return [
    CASES[load.case].title,
    String(load.connections),
    of(({ perSecond }) => perSecond, 0),
    of(({ p50Us }) => p50Us / 1000, 2),
    of(({ p99Us }) => p99Us / 1000, 2),
    of(({ cpuUs }) => cpuUs, 0),
    of(({ cpuUs, perSecond }) => cpuUs && (cpuUs * perSecond) / 1e4, 0),
    of(({ databaseCpuUs }) => databaseCpuUs, 0),
  ]
}

function floorLine(rounds: readonly Round[]): string {
  const part = (of: (round: Round) => number | undefined) =>
    withRange(summarise(rounds.flatMap((round) => of(round) ?? [])), 1)
  const [verify, sign] = [part(({ crypto }) => crypto.verifyUs), part(({ crypto }) => crypto.signUs)]
  const floor = part(floorUs)
  const sum = floor === '' ? '' : ` Minimum time of a token (the floor), with one bare HTTP request: ${floor} µs.`
  return `Ed25519 by the server's engine: verify ${verify} µs, sign ${sign} µs.${sum}`
}

function othersLine(rounds: readonly Round[]): string {
  const cores = rounds.flatMap(({ measurements }) => measurements.flatMap(({ othersCores }) => othersCores ?? []))
  const used = withRange(summarise(cores), 2)
  return used === ''
    ? 'This system does not report what other programs did during the loads.'
    : `Other programs of the machine used ${used} cores during the loads. Trust only a run in which they used almost none.`
}

function startTable(starts: readonly StartRound[]): string {
  const row = (name: string, who: keyof StartRound): readonly string[] => {
    const mib = (kind: 'rss' | 'pss' | 'uss') =>
      withRange(summarise(starts.flatMap((each) => (each[who].memory?.[kind] ?? Number.NaN) / 2 ** 20)), 0)
    const idle = withRange(summarise(starts.flatMap((each) => each[who].idlePercent ?? Number.NaN)), 1)
    return [name, withRange(summarise(starts.map((each) => each[who].ms)), 0), mib('rss'), mib('pss'), mib('uss'), idle]
  }
  return table(
    ['server', 'start ms', 'RSS MiB', 'PSS MiB', 'USS MiB', 'idle, % of a core'],
    [row('this server', 'ours'), row('oidc-provider', 'peer')],
  )
}

/** Formats median and range. Returns the empty string if there are no numbers. */
export function withRange(summary: Summary | undefined, digits: number): string {
  if (summary === undefined || Number.isNaN(summary.median)) return ''
  const { median, min, max } = summary
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`
}

const short = (value: number): string => String(Number(value.toPrecision(3)))
