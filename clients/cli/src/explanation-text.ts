import type { TrustExplanation, TrustLeg, TrustPathEdge } from '@auth4agent/sdk'
import type { Style } from './style.ts'
import { lines, plain } from './text.ts'

/** Describes for people whether a token would be accepted, and why. */
export function describeExplanation(
  { allowed, effective_scopes, position, legs }: TrustExplanation,
  style: Style,
): string {
  const head = lines({ 'scopes at the audience': effective_scopes?.join(' '), position })
  const verdict = allowed ? style.good('yes') : style.bad('no')
  return [`allowed: ${verdict}\n${head}`, ...legs.map((leg) => describeLeg(leg, style))].join('\n\n')
}

function describeLeg(leg: TrustLeg, style: Style): string {
  const { ok, path, cures, as_of, max_staleness_ms } = leg
  const age = max_staleness_ms ? `at most ${max_staleness_ms / 1_000} s old` : ''
  const known = [age, as_of ? `known as of ${as_of}` : ''].filter(Boolean).join(', ')
  const head = `${plain(leg.leg)}: ${ok ? style.good('ok') : style.bad('no')}${known === '' ? '' : `, ${plain(known)}`}`
  const wanted = describeMissing(leg)
  return [
    head,
    ...path.map((edge) => `  ${plain(describeEdge(edge))}`),
    ...(wanted === undefined ? [] : [`  ${plain(wanted)}`]),
    ...cures.map(({ who, command }) => `  ${plain(who)} can mend it:\n    ${plain(command)}`),
  ].join('\n')
}

/** Describes the edge that a need lacks; undefined if it lacks none. */
export function describeMissing({ missing }: Pick<TrustLeg, 'missing'>): string | undefined {
  return missing && `missing: ${nameOf(missing.from)} ${missing.kind} ${nameOf(missing.to)} (${missing.state})`
}

function describeEdge({ expires_at, ...edge }: TrustPathEdge): string {
  return `${describeLink(edge)}${expires_at && (edge.from || edge.to) ? `, until ${expires_at}` : ''}`
}

/** Describes an edge of a path without its end. */
export function describeLink({ kind, from, to }: Pick<TrustPathEdge, 'kind' | 'from' | 'to'>): string {
  return !from && !to ? `${kind}, a statement between two others` : `${nameOf(from)} ${kind} ${nameOf(to)}`
}

function nameOf(text: string | null | undefined): string {
  return text || '(hidden)'
}
