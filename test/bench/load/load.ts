import { autocannonLoad } from './autocannon.ts'
import { h2loadLoad } from './h2load.ts'
import { http2Load } from './http2.ts'
import type { LoadRequest, LoadResult } from './load-request.ts'
import { wrkLoad } from './wrk.ts'

/** Puts a load on a server from a new process, with the best generator on the machine. */
export function putLoad(request: LoadRequest): Promise<LoadResult> {
  if (request.protocol === 'grpc') return request.machine.h2load ? h2loadLoad(request) : http2Load(request)
  return request.machine.wrk ? wrkLoad(request) : autocannonLoad(request)
}
