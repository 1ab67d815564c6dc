import type { Style } from '../style.ts'
import { plain } from '../text.ts'
import type { Finding, Level } from './finding.ts'

/** Writes findings for people: level, checked thing and message, and on the next line what to do. */
export function writeFindings(findings: readonly Finding[], style: Style): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length))
  const mark: Record<Level, string> = {
    ok: style.good('ok     '),
    warning: style.warn('warning'),
    problem: style.bad('problem'),
  }
  const lines = findings.flatMap(({ check, level, message, cure }) => [
    `${mark[level]}  ${check.padEnd(width)}  ${plain(message)}`,
    ...(cure === undefined ? [] : [`${' '.repeat(9)}${' '.repeat(width)}  ${style.dim(plain(cure))}`]),
  ])
  return [...lines, '', summaryOf(findings)].join('\n')
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const [problems, warnings] = [count('problem'), count('warning')]
  if (problems + warnings === 0) return 'No problems found.'
  return `${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`
}
