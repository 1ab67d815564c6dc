import type { Line } from './lines.ts'

/** Returns the counters in the metrics that the worker behind a line serves, by sample. */
export async function totalsOf(line: Line | undefined): Promise<ReadonlyMap<string, number>> {
  const text = (await line?.get('/metrics'))?.text ?? ''
  const counters = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|histogram)$/gm)].map(([, name = '']) => name))
  const samples = [...text.matchAll(/^(\w+)(\{[^}]*\})? (\S+)$/gm)]
  return new Map(
    samples
      .filter(([, name = '']) => counters.has(name.replace(/_(?:bucket|sum|count)$/, '')) || counters.has(name))
      .map(([, name = '', labels = '', value = '']) => [`${name}${labels}`, Number(value)]),
  )
}
