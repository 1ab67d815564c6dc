import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { OperatorRequest } from '@auth4agent/sdk'
import { readText } from '@auth4agent/sdk/node'
import { configurationError } from './cli-error.ts'

const MADE_BY = 'Commands with --prepare FILE write such a file.'

/** Writes a prepared request as the JSON of its file. */
export function writeRequest({ operatorId, issuer, rpc, body }: OperatorRequest): string {
  return `${JSON.stringify({ operator_id: operatorId, issuer, rpc, body }, undefined, 2)}\n`
}

/** Reads the file of a prepared request. Throws CliError. */
export async function readRequestFile(path: string): Promise<OperatorRequest> {
  const text = await readText(path)
  if (text === undefined) throw configurationError(`There is no file ${path}`, MADE_BY)
  const { operator_id: operatorId, issuer, rpc, body } = parse(text)
  if (
    typeof operatorId !== 'string' ||
    !isUuid(operatorId) ||
    typeof issuer !== 'string' ||
    typeof rpc !== 'string' ||
    typeof body !== 'string'
  ) {
    throw configurationError(`The file ${path} is not a prepared request`, MADE_BY)
  }
  return { operatorId, issuer, rpc, body }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text)
    return isJsonObject(json) ? json : {}
  } catch {
    return {}
  }
}
