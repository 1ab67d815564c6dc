import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const MODULE = join(import.meta.dirname, 'free-port.ts')
const SCRIPT = `
  const { freePort } = await import(${JSON.stringify(MODULE)})
  const ports = []
  for (let count = 0; count < 150; count += 1) ports.push(await freePort())
  console.log(JSON.stringify(ports))
  process.stdin.resume()
`

it('gives no port to two processes that live at the same time', async () => {
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const outputs = children.map((child) => text(child.stdout))
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  for (const child of children) child.stdin.end()
  const ports = (await Promise.all(outputs)).flatMap((output) => JSON.parse(output) as number[])
  expect(ports).toHaveLength(450)
  expect(new Set(ports).size).toBe(450)
})
