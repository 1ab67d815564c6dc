import { describe, expect, it } from 'vitest'
import { wrapCommand } from './words.ts'

const LONG = 'https://api.example.com/a/path/that/is/about/as/long/as/half/of/a/line'

describe('wrapCommand', () => {
  it.each([
    ['leaves a short command in one line', 'auth4agent trust list --quiet', ['  auth4agent trust list --quiet']],
    [
      'breaks a long one only before flags, so that it can be pasted',
      `auth4agent trust offer ID --audience ${LONG} --map-scope a=b --depth 1`,
      ['  auth4agent trust offer ID \\', `    --audience ${LONG} \\`, '    --map-scope a=b --depth 1'],
    ],
  ])('%s', (_name, command, lines) => {
    expect(wrapCommand(command)).toEqual(lines)
    expect(
      lines
        .join('\n')
        .replaceAll(/ \\\n +/g, ' ')
        .trim(),
    ).toBe(command)
  })
})
