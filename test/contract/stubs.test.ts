import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ensureInstalled } from '../support/debian-package.ts'
import { startDeployment } from '../support/deployment.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Debian's own Python, because the stubs use its packages. */
const PYTHON = '/usr/bin/python3'
const run = promisify(execFile)

/** Files of Debian packages that the generation needs, by package. */
const PROGRAMS = {
  'protobuf-compiler': '/usr/bin/protoc',
  'protobuf-compiler-grpc': '/usr/bin/grpc_python_plugin',
  'python3-grpcio': '/usr/lib/python3/dist-packages/grpc/__init__.py',
  'protoc-gen-go': '/usr/bin/protoc-gen-go',
  'protoc-gen-go-grpc': '/usr/bin/protoc-gen-go-grpc',
  'protobuf-compiler-grpc-java-plugin': '/usr/bin/grpc_java_plugin',
}

let folder: string
beforeAll(async () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const find = async () => (existsSync(program) ? program : undefined)
    await ensureInstalled({ name, find, missing: `${name} is missing: apt-get install ${name}` })
  }
  folder = await mkdtemp(join(tmpdir(), 'a4a-stubs-'))
  await cp(join(ROOT, 'proto'), join(folder, 'proto'), { recursive: true })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Returns a block of clients/by-hand.md unchanged. */
async function block(kind: string): Promise<string> {
  const document = await readFile(join(ROOT, 'clients/by-hand.md'), 'utf8')
  const text = new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(document)?.[1]
  if (text === undefined) throw new Error(`clients/by-hand.md has no block ${kind}`)
  return text
}

/** Runs a block in a folder that contains only the contract. */
async function generate(kind: string): Promise<void> {
  await run('bash', ['-euc', await block(kind)], { cwd: folder })
}

const generated = (path: string) => readFile(join(folder, 'stubs', path), 'utf8')

it('buf export writes the whole contract, and buf builds it without other files', async () => {
  const buf = join(ROOT, 'node_modules/.bin/buf')
  // The proxy does not exist and there is no home folder, so buf can read files only from this folder.
  const env = { PATH: process.env['PATH'], HOME: folder, HTTPS_PROXY: 'http://127.0.0.1:1' }
  await run(buf, ['export', 'proto', '--output', 'contract'], { cwd: folder, env })
  await run(buf, ['build', 'contract'], { cwd: folder, env })
  expect(existsSync(join(folder, 'contract/google/api/http.proto'))).toBe(true)
})

it('Go stubs are generated in the package that the contract names', async () => {
  await generate('sh go')
  expect(await generated('go/auth4agent/v1/authn_grpc.pb.go')).toMatch(/^package auth4agentv1$/m)
})

it('Java stubs are generated in the package that the contract names', async () => {
  await generate('sh java')
  expect(await generated('java/com/auth4agent/v1/AuthnServiceGrpc.java')).toContain('package com.auth4agent.v1;')
  expect(await generated('java/com/auth4agent/v1/VerifyTokenResponse.java')).toContain('package com.auth4agent.v1;')
})

it('Python stubs are generated and call a server', async () => {
  const deployment = await startDeployment()
  onTestFinished(() => deployment.stop())
  await generate('sh python')
  const program = (await block('python')).replace('localhost:8081', deployment.server.grpcAddress)
  await writeFile(join(folder, 'stubs/python/program.py'), program)
  const { stdout } = await run(PYTHON, [join(folder, 'stubs/python/program.py')])
  expect(stdout).toMatch(/^[1-9]\nFalse MALFORMED_TOKEN\nINVALID_ARGUMENT\n$/)
})
