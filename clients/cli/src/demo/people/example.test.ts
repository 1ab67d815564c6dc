import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { expectExamples, startExample } from './example.ts'

it('expectExamples accepts a checkout with its packages', () => {
  expect(() => expectExamples()).not.toThrow()
})

it('expectExamples says that the examples are missing, and which packages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-examples-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  expect(() => expectExamples(join(folder, 'none'))).toThrow('needs the examples of a checkout')
  expect(() => expectExamples(folder)).toThrow('not installed: oidc-provider, @modelcontextprotocol/sdk, express, jose')
})

it('startExample rejects with the errors of a program that ends', async () => {
  const example = startExample('none.mjs', [], AbortSignal.timeout(60_000))
  await expect(example.next()).rejects.toThrow(/none\.mjs has ended: [^]*MODULE_NOT_FOUND/)
})

it('startExample ends the program when its signal aborts', async () => {
  const stop = new AbortController()
  const example = startExample('identity-provider.mjs', ['http://localhost:8080'], stop.signal)
  expect(await example.next()).toMatchObject({ issuer: expect.stringMatching(/^http:\/\/localhost:\d+$/) })
  const next = example.next()
  stop.abort(new Error('interrupted'))
  await expect(next).rejects.toThrow('interrupted')
  await example.stop()
})
