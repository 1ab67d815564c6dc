import { parser } from '@prometheus-io/lezer-promql'
import { reasons } from '../../../services/platform/errors/reasons.ts'
import { isMapping, type Json, listAt, mappingAt, type ReadText, readYaml, textAt } from './files.ts'

/** A PromQL expression and where it stands. */
interface Expression {
  readonly where: string
  readonly expr: string
}

/** What Prometheus adds by itself. */
const SYNTHETIC = new Set(['up'])
const ALERT_FIELDS = new Set(['alert', 'expr', 'for', 'labels', 'annotations'])
const SEVERITIES = new Set(['page', 'ticket'])

/** All that is wrong with deploy/monitoring without knowing which metrics there are. */
export function monitoringProblems(read: ReadText): readonly string[] {
  return [
    ...readExpressions(read).flatMap(({ where, expr }) =>
      [...syntaxProblems(expr), ...reasonProblems(expr)].map((problem) => `${where}: ${problem}`),
    ),
    ...alerts(read).flatMap(alertProblems),
  ]
}

/** The metrics that rules and dashboard read, each with where; as Prometheus stores them, so with `_bucket` and the like. */
export function readMetricNames(read: ReadText): readonly { readonly name: string; readonly where: string }[] {
  return readExpressions(read).flatMap(({ where, expr }) =>
    nodes(expr, 'Identifier')
      .filter(({ parent }) => parent === 'VectorSelector')
      .map(({ text }) => ({ name: text, where }))
      .filter(({ name }) => !SYNTHETIC.has(name)),
  )
}

/** The names under which Prometheus stores what a process exposes: a histogram has three. */
export function storedNames(exposition: string): ReadonlySet<string> {
  const types = [...exposition.matchAll(/^# TYPE (\S+) (\w+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

const alerts = (read: ReadText): readonly Json[] =>
  readYaml(read, 'deploy/monitoring/rules.yaml').flatMap((file) =>
    listAt(file, 'groups').flatMap((group) => listAt(group, 'rules')),
  )

function readExpressions(read: ReadText): readonly Expression[] {
  const dashboard: Json = JSON.parse(read('deploy/monitoring/dashboard.json'))
  const panels = listAt(dashboard, 'panels').flatMap((panel) =>
    listAt(panel, 'targets').map((target) => ({
      where: `dashboard.json, ${textAt(panel, 'title')}`,
      // What Grafana puts in.
      expr: textAt(target, 'expr')
        .replaceAll('$__rate_interval', '1m')
        .replaceAll(/\$(job|instance)/g, '.*'),
    })),
  )
  const variables = listAt(dashboard, 'templating.list').flatMap((variable) => {
    const [, expr] = /^label_values\((.*), \w+\)$/.exec(textAt(variable, 'definition')) ?? []
    return expr === undefined ? [] : [{ where: `dashboard.json, $${textAt(variable, 'name')}`, expr }]
  })
  const rules = alerts(read).map((rule) => ({
    where: `rules.yaml, ${textAt(rule, 'alert')}`,
    expr: textAt(rule, 'expr'),
  }))
  return [...rules, ...panels, ...variables]
}

/** The nodes of one name in the syntax tree, with their text. */
function nodes(expr: string, name: string): readonly { readonly text: string; readonly parent: string | undefined }[] {
  const found: { text: string; parent: string | undefined }[] = []
  parser.parse(expr).iterate({
    enter: ({ name: own, from, to, node }) => {
      if (own === name) found.push({ text: expr.slice(from, to), parent: node.parent?.name })
    },
  })
  return found
}

function syntaxProblems(expr: string): string[] {
  if (expr.trim() === '') return ['there is no expression']
  let broken: number | undefined
  parser.parse(expr).iterate({
    enter: ({ type, from }) => {
      if (type.isError) broken ??= from
    },
  })
  if (broken !== undefined) return [`PromQL breaks off at "${expr.slice(broken, broken + 20)}"`]
  return []
}

/** A label that names reasons names those of the catalogue. */
function reasonProblems(expr: string): string[] {
  const named = [...expr.matchAll(/\breason=~?"([^"]*)"/g)].flatMap(([, list = '']) => list.split('|'))
  return named
    .filter((reason) => reason !== 'OK' && !Object.hasOwn(reasons, reason))
    .map((reason) => `${reason} is no reason of this server`)
}

function alertProblems(rule: Json): string[] {
  const fields = isMapping(rule) ? Object.keys(rule) : []
  const problems = [
    ...fields.filter((field) => !ALERT_FIELDS.has(field)).map((field) => `${field} is no field of an alert`),
    ...(SEVERITIES.has(textAt(rule, 'labels.severity')) ? [] : ['its severity is none of ours']),
    ...(mappingAt(rule, 'annotations').summary === undefined ? ['it has no summary'] : []),
  ]
  return problems.map((problem) => `rules.yaml, ${textAt(rule, 'alert')}: ${problem}`)
}
