import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fromBinary } from '@bufbuild/protobuf'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import type { RpcCaller, RpcOutcome } from '../../support/rpc-flow.ts'

const run = promisify(execFile)
const BUF = join(import.meta.dirname, '../../../node_modules/.bin/buf')
const GRPC = ['--protocol', 'grpc', '--http2-prior-knowledge']

/** Returns a caller that uses `buf curl`, which learns the contract from reflection only. */
export function bufCurlOf(address: string): RpcCaller {
  return {
    async call(method, request, authorization) {
      const header = authorization === undefined ? [] : ['-H', `authorization: ${authorization}`]
      const data = ['--emit-defaults', '-d', JSON.stringify(request)]
      try {
        const { stdout } = await run(BUF, ['curl', ...GRPC, ...header, ...data, `http://${address}/${method}`])
        return { ok: true, message: JSON.parse(stdout) }
      } catch (error) {
        return refusalIn(error)
      }
    },
    close: () => undefined,
  }
}

/** Lists the full names of a server's services, with reflection. */
export async function listServices(address: string): Promise<readonly string[]> {
  const { stdout } = await run(BUF, ['curl', ...GRPC, '--list-services', `http://${address}`])
  return stdout.trim().split('\n').toSorted()
}

interface PrintedError {
  readonly code: string
  readonly details?: readonly { readonly type: string; readonly value: string }[]
}

/** Reads the error that buf prints in Connect's format, with its details in base64. */
function refusalIn(error: unknown): RpcOutcome {
  const printed = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  if (!printed.startsWith('{')) throw new Error(printed)
  const { code, details = [] }: PrintedError = JSON.parse(printed)
  const info = details.find(({ type }) => type === 'google.rpc.ErrorInfo')
  const reason = info && fromBinary(ErrorInfoSchema, Buffer.from(info.value, 'base64')).reason
  return { ok: false, code: code.toUpperCase(), reason }
}
