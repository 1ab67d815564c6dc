import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '../errors/api-error.ts'
import { decideFirst } from './first-decision.ts'
import { tracingOf } from './open-telemetry.ts'
import type { SamplerName } from './sampler-names.ts'
import { createSampler } from './samplers.ts'
import { causeFields, type Span, traced, tracedBatch, tracedNow } from './span.ts'
import type { Tracing } from './tracing.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN_ID = '00f067aa0ba902b7'
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`
const UNSAMPLED = `00-${TRACE_ID}-${SPAN_ID}-00`
/** A trace id that each ratio above 0 records: the sampler of the packages compares the parts of the id. */
const EAGER = `00-${'0'.repeat(31)}1-${SPAN_ID}-00`

const exporter = new InMemorySpanExporter()
beforeEach(() => exporter.reset())

function start(name: SamplerName, ratio = 1): Tracing {
  const provider = new TracerProvider({
    sampler: decideFirst(createSampler({ name, ratio })),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  return tracingOf(provider.getTracer('test'), { exported: 0, failed: 0, dropped: 0 }, () => provider.shutdown())
}

const never = () => start('parentbased_always_off')
const exported = () =>
  exporter.getFinishedSpans().map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId ?? ''])
const proceed = (tracing: Tracing, { carrier }: Span) => tracing.proceed(carrier, 'call', { kind: 'server' })
const root = () => start('always_on').begin('root', {})
const refuse = () => Promise.reject(new ApiError('CHALLENGE_USED'))
const idOf = (span: Span) => span.carrier.traceparent.split('-')[2] ?? ''

describe('a request from outside', () => {
  it.each([
    ['without a header', undefined],
    ['of the wrong length', SAMPLED.slice(1)],
    ['in upper case', SAMPLED.toUpperCase()],
    ['with a trace of zeros', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
    ['with a parent of zeros', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
    ['with the version ff', SAMPLED.replace('00-', 'ff-')],
    ['with more fields than version 00 has', `${SAMPLED}-more`],
    ['with several values', `${SAMPLED}, ${SAMPLED}`],
    ['of 10 KB', 'a'.repeat(10_240)],
  ])('begins a new trace if its traceparent is %s', (_name, traceparent) => {
    const span = never().arrive(traceparent, true)
    expect(span.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/)
    expect(span.traceId).not.toBe(TRACE_ID)
    expect(span.isRecorded).toBe(false)
  })

  it.each<[string, SamplerName, string, boolean, boolean]>([
    ['a trusted caller wants it', 'parentbased_always_off', SAMPLED, true, true],
    ['a trusted caller does not want it', 'parentbased_always_on', UNSAMPLED, true, false],
    ['a trusted caller wants it, but the sampler heeds no caller', 'always_off', SAMPLED, true, false],
    ['a stranger wants it', 'parentbased_always_off', SAMPLED, false, false],
    ['a stranger does not want it, but the sampler does', 'parentbased_always_on', UNSAMPLED, false, true],
  ])('keeps the trace id, and when %s', (_name, sampler, traceparent, isTrusted, isRecorded) => {
    expect(start(sampler).arrive(traceparent, isTrusted)).toMatchObject({ traceId: TRACE_ID, isRecorded })
  })

  it('of a stranger is not sampled by a trace id that the stranger has chosen', () => {
    const ratio = start('traceidratio', 0.001)
    expect(ratio.arrive(EAGER, true).isRecorded).toBe(true)
    const strangers = Array.from({ length: 200 }, () => ratio.arrive(EAGER, false).isRecorded)
    expect(strangers.filter(Boolean).length).toBeLessThan(20)
  })

  it('of a stranger is recorded from its begin once the stranger has proved who it is', () => {
    const span = never().arrive(SAMPLED, false)
    span.describe('POST /v1/token', { 'http.route': '/v1/token' })
    span.vouch()
    expect(span).toMatchObject({ traceId: TRACE_ID, isRecorded: true })
    span.child('redeem').end()
    span.end()
    const [, server] = exporter.getFinishedSpans()
    expect(exported()).toEqual([
      ['redeem', idOf(span)],
      ['POST /v1/token', SPAN_ID],
    ])
    expect(server?.attributes).toEqual({ 'http.route': '/v1/token' })
  })

  it.each<[string, SamplerName, string]>([
    ['it did not ask', 'parentbased_always_off', UNSAMPLED],
    ['the sampler heeds no caller', 'always_off', SAMPLED],
  ])('of a stranger that has proved who it is stays unrecorded if %s', (_name, sampler, traceparent) => {
    const span = start(sampler).arrive(traceparent, false)
    span.vouch()
    span.end()
    expect(exported()).toEqual([])
  })
})

describe('work for another process of the deployment', () => {
  it.each<[string, SamplerName, string]>([
    ['recorded if its trace is, whatever the sampler', 'always_off', SAMPLED],
    ['not recorded if its trace is not, whatever the sampler', 'always_on', UNSAMPLED],
  ])('is %s', (_name, sampler, traceparent) => {
    const span = start(sampler).proceed({ traceparent, isClaimed: false }, 'call', {})
    expect(span).toMatchObject({ traceId: TRACE_ID, isRecorded: traceparent === SAMPLED })
  })

  it('takes on what a stranger asks for, and becomes a part of the span of the stranger', () => {
    const tracing = never()
    const there = proceed(tracing, tracing.arrive(SAMPLED, false))
    expect(there.isRecorded).toBe(false)
    there.vouch()
    there.end()
    expect(exported()).toEqual([['call', SPAN_ID]])
  })

  it('is a part of the span that called it', () => {
    const tracing = start('always_on')
    const here = tracing.arrive(undefined, false)
    proceed(tracing, here).end()
    expect(exported()).toEqual([['call', idOf(here)]])
  })
})

describe('a part of a call', () => {
  it('is exported with its reason when it fails', async () => {
    await expect(traced(root(), 'redeem', refuse)).rejects.toThrow(ApiError)
    expect(exporter.getFinishedSpans()).toMatchObject([
      { name: 'redeem', attributes: { 'error.type': 'CHALLENGE_USED' } },
    ])
  })

  it('shows nothing of an unknown error', async () => {
    await expect(traced(root(), 'redeem', () => Promise.reject(new Error('password=x')))).rejects.toThrow('password=x')
    expect(JSON.stringify(exporter.getFinishedSpans().map(({ attributes, status }) => [attributes, status]))).toBe(
      '[[{"error.type":"INTERNAL"},{"code":0}]]',
    )
  })

  it.each([
    ['tracing is off', () => undefined],
    ['the trace is not recorded', () => never().arrive(UNSAMPLED, true)],
  ])('has no span if %s', async (_name, parent) => {
    expect(await traced(parent(), 'redeem', async (span) => span)).toBeUndefined()
    expect(tracedNow(parent(), 'policy', () => 'done')).toBe('done')
    expect(exported()).toEqual([])
  })

  it('that serves several calls is a part of the first, and linked with the others', async () => {
    const tracing = start('always_on')
    const [one, two, off] = [tracing.begin('one', {}), tracing.begin('two', {}), never().arrive(UNSAMPLED, true)]
    await tracedBatch([{}, { span: off }, { span: one }, { span: two }], 'redeem', async () => 'done', { size: 4 })
    two.end()
    const [redeem, second] = exporter.getFinishedSpans()
    expect(redeem?.parentSpanContext?.spanId).toBe(idOf(one))
    expect(redeem?.links.map(({ context }) => context.spanId)).toEqual([idOf(two)])
    expect(second?.links.map(({ context }) => context.spanId)).toEqual([redeem?.spanContext().spanId])
  })
})

it('causeFields names the trace only while tracing is on', () => {
  expect(causeFields({ requestId: 'a' })).toEqual({ requestId: 'a' })
  const span = never().arrive(UNSAMPLED, true)
  expect(causeFields({ requestId: 'a', span })).toEqual({ requestId: 'a', trace_id: TRACE_ID })
})

it('begin records a trace that the server wants, whatever the sampler', () => {
  never().begin('log batch', { always: true }).end()
  never().begin('log batch', {}).end()
  expect(exported()).toEqual([['log batch', '']])
})
