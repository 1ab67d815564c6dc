import { SAMPLER_NAMES, type SamplerName } from '../platform/trace/sampler-names.ts'
import { list, oneOf, type Parse, SettingError, type Value } from './read-env.ts'

/** The sampler when OTEL_TRACES_SAMPLER is not set, and the part of the traces that it records. */
const DEFAULT_SAMPLER = { name: 'parentbased_traceidratio', ratio: 0.01 } as const
/** The part of a sampler that is set without its argument (OpenTelemetry's configuration by environment variables). */
const FULL_RATIO = 1

/** Parses the URL of a collector. Its message never shows the URL, in which somebody may have put a password. */
const collectorUrl: Parse<string> = (value) => {
  const url = URL.parse(value)
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!isHttp || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new SettingError('must be an http or https URL without user, query and fragment')
  return value
}

const ratio: Parse<number> = (value) => {
  const number = /^\d(?:\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= 0 && number <= 1)) throw new SettingError('must be a number from 0 to 1, such as 0.01')
  return number
}

const hostName: Parse<string> = (value) => {
  if (!/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(value))
    throw new SettingError('must be host names in lower case, separated by commas')
  return value
}

/** The settings of traces. The packages of OpenTelemetry read the other variables with OTEL_. */
interface TraceSettings {
  readonly sampler: { readonly name: SamplerName; readonly ratio: number }
}

/**
 * Reads the settings of traces. Without a collector, the variables with OTEL_ may be for other programs, so then no
 * value is wrong.
 */
export function readTraces(value: Value) {
  const endpoint = value<string | undefined>('OTEL_EXPORTER_OTLP_ENDPOINT', collectorUrl, undefined)
  const ofTraces = value<string | undefined>('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', collectorUrl, endpoint)
  const isOn = ofTraces !== undefined
  const ifOn = <T>(name: string, parse: Parse<T>, fallback: T): T =>
    value(name, isOn ? parse : () => fallback, fallback)
  ifOn('OTEL_EXPORTER_OTLP_PROTOCOL', oneOf('http/protobuf'), 'http/protobuf')
  ifOn('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', oneOf('http/protobuf'), 'http/protobuf')
  const exporter = ifOn('OTEL_TRACES_EXPORTER', oneOf('otlp', 'none'), 'otlp')
  const isDisabled = ifOn('OTEL_SDK_DISABLED', oneOf('true', 'false'), 'false')
  const name = ifOn<SamplerName | undefined>('OTEL_TRACES_SAMPLER', oneOf(...SAMPLER_NAMES), undefined)
  const sampler = {
    name: name ?? DEFAULT_SAMPLER.name,
    ratio: ifOn('OTEL_TRACES_SAMPLER_ARG', ratio, name === undefined ? DEFAULT_SAMPLER.ratio : FULL_RATIO),
  }
  const traces: TraceSettings | undefined =
    isOn && exporter === 'otlp' && isDisabled === 'false' ? { sampler } : undefined
  return { traces, traceOutbound: value('AUTH4AGENT_TRACE_OUTBOUND', list(hostName), []) }
}
