import type { Config } from '../configuration/config.ts'
import { isSplit } from '../configuration/service-names.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Tracing } from '../platform/trace/tracing.ts'

/** Starts to trace. Loads the packages of OpenTelemetry only if tracing is on; otherwise returns undefined. */
export async function openTracing({ traces, services }: Config, log: Logger): Promise<Tracing | undefined> {
  if (traces === undefined) return undefined
  const { startTracing } = await import('../platform/trace/open-telemetry.ts')
  const serviceName = isSplit(services) ? `auth4agent-${services.join('-')}` : 'auth4agent'
  return startTracing({ sampler: traces.sampler, serviceName, log })
}
