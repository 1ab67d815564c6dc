import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const PAGE = join(import.meta.dirname, '../../docs/aims.md')
const ANSWERS = ['met', 'partly', 'missing', 'not ours']

it('docs/aims.md counts its own rows', async () => {
  const lines = (await readFile(PAGE, 'utf8')).split('\n')
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()))
  const counted = ANSWERS.map((answer) => cells.filter(([, , here]) => here?.startsWith(`**${answer}**`)).length)
  const stated = ANSWERS.map((answer) => Number(cells.find(([, name]) => name?.startsWith(answer))?.[2]))
  expect(stated).toEqual(counted)
})
