import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { type Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchJwtSvid } from './workload-api.ts'

/** Reads a JWTSVIDRequest of the SPIFFE Workload API. */
function readRequest(bytes: Uint8Array) {
  const [reader, request] = [new BinaryReader(bytes), { audience: [] as string[], spiffeId: '' }]
  while (reader.pos < reader.len) {
    const [field] = reader.tag()
    if (field === 1) request.audience.push(reader.string())
    if (field === 2) request.spiffeId = reader.string()
  }
  return request
}

/** Writes a JWTSVIDResponse. */
function writeResponse({ svids }: Svids): Buffer {
  const writer = new BinaryWriter()
  for (const { spiffeId = '', svid } of svids) {
    writer.tag(1, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string(spiffeId).tag(2, WireType.LengthDelimited).string(svid)
    writer.tag(3, WireType.LengthDelimited).string('a hint').join()
  }
  return Buffer.from(writer.finish())
}

interface Svids {
  readonly svids: readonly { readonly spiffeId?: string; readonly svid: string }[]
}
type Request = ReturnType<typeof readRequest>
const ID = 'spiffe://acme.example/orders'

type Answer = (request: Request) => Svids | Partial<ServiceError>

let folder: string
let server: Server
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth4agent-spiffe-'))
  server = new Server()
})
afterEach(async () => {
  server.forceShutdown()
  await rm(folder, { recursive: true })
})

/** Serves the Workload API, and resolves with what the client gets. */
async function fetchFrom(answer: Answer, { spiffeId = '', audience = 'https://auth.example.com/attest/k' } = {}) {
  const path = join(folder, 'agent.sock')
  const method = {
    path: '/SpiffeWorkloadAPI/FetchJWTSVID',
    requestStream: false,
    responseStream: false,
    requestDeserialize: readRequest,
    requestSerialize: () => Buffer.alloc(0),
    responseSerialize: writeResponse,
    responseDeserialize: () => ({}),
  }
  server.addService(
    { fetchJwtSvid: method },
    {
      fetchJwtSvid: (
        { request, metadata }: { request: Request; metadata: Metadata },
        done: (error: Partial<ServiceError> | null, value?: Svids) => void,
      ) => {
        if (metadata.get('workload.spiffe.io')[0] !== 'true') return done({ code: status.INVALID_ARGUMENT })
        const given = answer(request)
        return 'svids' in given ? done(null, given) : done(given)
      },
    },
  )
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  )
  return fetchJwtSvid({ path, audience, spiffeId, signal: new AbortController().signal })
}

describe('fetchJwtSvid', () => {
  it('sends the audience and the SPIFFE ID, and resolves with the first JWT-SVID', async () => {
    const seen: unknown[] = []
    const audience = `https://auth.example.com/${'a'.repeat(300)}`
    const svid = await fetchFrom(
      (request) => {
        seen.push(request)
        return {
          svids: [
            { spiffeId: ID, svid: 'a'.repeat(900) },
            { spiffeId: `${ID}/2`, svid: 'x' },
          ],
        }
      },
      { spiffeId: ID, audience },
    )
    expect(svid).toBe('a'.repeat(900))
    expect(seen).toEqual([{ audience: [audience], spiffeId: ID }])
  })

  it.each<[string, Answer, string]>([
    [
      'a refusal',
      () => ({ code: status.PERMISSION_DENIED, details: 'no identity issued' }),
      'status 7 no identity issued',
    ],
    ['no SVID', () => ({ svids: [] }), 'There is none for this workload'],
    ['an answer of 300 KiB', () => ({ svids: [{ svid: 'x'.repeat(300_000) }] }), 'The answer is too long'],
  ])('rejects for %s', async (_, answer, why) => {
    await expect(fetchFrom(answer)).rejects.toThrow(why)
  })

  it('rejects if nothing listens, and if the caller stops', async () => {
    const wanted = { path: join(folder, 'none.sock'), audience: 'a', spiffeId: '' }
    await expect(fetchJwtSvid({ ...wanted, signal: new AbortController().signal })).rejects.toThrow('ENOENT')
    const stopped = new Error('stopped')
    await expect(fetchJwtSvid({ ...wanted, signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped)
  })
})
