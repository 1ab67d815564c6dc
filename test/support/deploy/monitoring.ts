import { parser } from '@prometheus-io/lezer-promql'
import { reasons } from '../../../services/platform/errors/reasons.ts'
import { isMapping, type Json, listAt, mappingAt, type ReadText, readYaml, textAt } from './files.ts'

/** A PromQL expression and its place. */
interface Expression {
  readonly where: string
  readonly expr: string
}

/** Metrics that Prometheus adds itself. */
const SYNTHETIC = new Set(['up'])
const ALERT_FIELDS = new Set(['alert', 'expr', 'for', 'labels', 'annotations'])
const SEVERITIES = new Set(['page', 'ticket'])

/** Lists the problems in deploy/monitoring, except unknown metrics. */
export function monitoringProblems(read: ReadText): readonly string[] {
  return [
    ...readExpressions(read).flatMap(({ where, expr }) =>
      [...syntaxProblems(expr), ...reasonProblems(expr)].map((problem) => `${where}: ${problem}`),
    ),
    ...alerts(read).flatMap(alertProblems),
  ]
}

/**
 * Lists the metrics that rules and dashboard read, with the place of each metric. Prometheus stores a histogram under
 * several names, so the names may end with `_bucket` and the like.
 */
export function readMetricNames(read: ReadText): readonly { readonly name: string; readonly where: string }[] {
  return readExpressions(read).flatMap(({ where, expr }) =>
    nodes(expr, 'Identifier')
      .filter(({ parent }) => parent === 'VectorSelector')
      .map(({ text }) => ({ name: text, where }))
      .filter(({ name }) => !SYNTHETIC.has(name)),
  )
}

/** Returns the names under which Prometheus stores the metrics of a process. A histogram has three names. */
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
      // Replaces Grafana's variables by values, as Grafana does.
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

/** Lists the nodes with a name in the syntax tree, with their texts. */
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
  if (expr.trim() === '') return ['the expression is missing']
  let broken: number | undefined
  parser.parse(expr).iterate({
    enter: ({ type, from }) => {
      if (type.isError) broken ??= from
    },
  })
  if (broken !== undefined) return [`the PromQL syntax is wrong at "${expr.slice(broken, broken + 20)}"`]
  return []
}

/** Lists reasons in a label of an expression that are not in the catalogue. */
function reasonProblems(expr: string): string[] {
  const named = [...expr.matchAll(/\breason=~?"([^"]*)"/g)].flatMap(([, list = '']) => list.split('|'))
  return named
    .filter((reason) => reason !== 'OK' && !Object.hasOwn(reasons, reason))
    .map((reason) => `${reason} is not a reason of this server`)
}

function alertProblems(rule: Json): string[] {
  const fields = isMapping(rule) ? Object.keys(rule) : []
  const problems = [
    ...fields.filter((field) => !ALERT_FIELDS.has(field)).map((field) => `${field} is not a field of an alert`),
    ...(SEVERITIES.has(textAt(rule, 'labels.severity')) ? [] : ['its severity must be page or ticket']),
    ...(mappingAt(rule, 'annotations').summary === undefined ? ['it has no summary'] : []),
  ]
  return problems.map((problem) => `rules.yaml, ${textAt(rule, 'alert')}: ${problem}`)
}
