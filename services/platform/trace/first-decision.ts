import { type Context, createContextKey, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api'
import { type IdGenerator, RandomIdGenerator, type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace'

/**
 * Who has begun a trace:
 *
 * - `stranger`: anybody. The sampler decides, but not by the trace id, because the stranger has chosen it.
 * - `deployment`: this deployment, which has decided before.
 * - `always`: this process, which wants to record the trace.
 */
type Origin = 'stranger' | 'deployment' | 'always'

const ORIGIN = createContextKey('auth4agent.origin')

/** Contexts for new spans. The sampler alone decides about a span without one of them. */
export const ORIGINS: Readonly<Record<Origin, Context>> = {
  stranger: ROOT_CONTEXT.setValue(ORIGIN, 'stranger'),
  deployment: ROOT_CONTEXT.setValue(ORIGIN, 'deployment'),
  always: ROOT_CONTEXT.setValue(ORIGIN, 'always'),
}

const RECORD = { decision: SamplingDecision.RECORD_AND_SAMPLED }
const LEAVE = { decision: SamplingDecision.NOT_RECORD }

/** Lets the sampler of the administrator decide once about each trace, in the process in which it begins. */
export function decideFirst(sampler: Sampler, ids: IdGenerator = new RandomIdGenerator()): Sampler {
  return {
    shouldSample(context, traceId, ...rest) {
      const origin = context.getValue(ORIGIN)
      if (origin === 'always') return RECORD
      if (origin === 'deployment') return isSampled(context) ? RECORD : LEAVE
      if (origin === 'stranger') return sampler.shouldSample(ROOT_CONTEXT, ids.generateTraceId(), ...rest)
      return sampler.shouldSample(context, traceId, ...rest)
    },
    toString: () => `DecideFirst{${sampler.toString()}}`,
  }
}

function isSampled(context: Context): boolean {
  const flags = trace.getSpanContext(context)?.traceFlags ?? TraceFlags.NONE
  return (flags & TraceFlags.SAMPLED) !== 0
}
