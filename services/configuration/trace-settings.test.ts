import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
const read = (env: Record<string, string>) => readConfig(env, '/data')

function problemsOf(env: Record<string, string>): string {
  try {
    read(env)
    return ''
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
  }
}

describe('the settings of traces', () => {
  it.each([
    ['nothing is set', {}],
    [
      'only other variables of OpenTelemetry are set, for other programs',
      { OTEL_TRACES_SAMPLER: 'xray', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ],
    ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['OpenTelemetry is disabled', { ...ON, OTEL_SDK_DISABLED: 'true' }],
    ['traces have no exporter', { ...ON, OTEL_TRACES_EXPORTER: 'none' }],
  ])('leave tracing off if %s', (_name, env) => {
    expect(read(env).traces).toBeUndefined()
  })

  it.each([
    ['the default', ON, 'parentbased_traceidratio', 0.01],
    [
      'an endpoint for traces alone',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example/v1/traces' },
      'parentbased_traceidratio',
      0.01,
    ],
    ['another ratio', { ...ON, OTEL_TRACES_SAMPLER_ARG: '0.5' }, 'parentbased_traceidratio', 0.5],
    [
      'a sampler without its argument, as OpenTelemetry says',
      { ...ON, OTEL_TRACES_SAMPLER: 'traceidratio' },
      'traceidratio',
      1,
    ],
    ['an empty sampler', { ...ON, OTEL_TRACES_SAMPLER: '' }, 'parentbased_traceidratio', 0.01],
    ['always_on', { ...ON, OTEL_TRACES_SAMPLER: 'always_on' }, 'always_on', 1],
  ])('choose the sampler: %s', (_name, env, name, ratio) => {
    expect(read(env).traces).toEqual({ sampler: { name, ratio } })
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'must be an http or https URL'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://collector', 'must be an http or https URL'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:hunter2@collector', 'without user, query and fragment'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'must be one of http/protobuf'],
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'must be one of always_on'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'must be a number from 0 to 1'],
    ['OTEL_TRACES_SAMPLER_ARG', '1e-3', 'must be a number from 0 to 1'],
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'must be one of otlp, none'],
    ['OTEL_SDK_DISABLED', 'yes', 'must be one of true, false'],
    ['AUTH4AGENT_TRACE_OUTBOUND', 'https://idp.example', 'must be host names in lower case'],
    ['AUTH4AGENT_TRACE_OUTBOUND', '*.example', 'must be host names in lower case'],
  ])('refuse %s=%s', (name, value, problem) => {
    const problems = problemsOf({ ...ON, [name]: value })
    expect(problems).toContain(`${name} must`)
    expect(problems).toContain(problem)
    expect(problems).not.toContain('hunter2')
  })

  it('refuse hosts for traces while tracing is off', () => {
    expect(problemsOf({ AUTH4AGENT_TRACE_OUTBOUND: 'idp.example' })).toContain(
      'OTEL_EXPORTER_OTLP_ENDPOINT must be set',
    )
    expect(read({ ...ON, AUTH4AGENT_TRACE_OUTBOUND: 'idp.example, a.example' }).traceOutbound).toEqual([
      'idp.example',
      'a.example',
    ])
  })
})
