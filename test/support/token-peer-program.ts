import { inspect } from 'node:util'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { tokenKind } from '../../services/keys/domain/key-kinds.ts'
import type { KeyRow } from '../../services/keys/key-provider.ts'
import { openPkcs11Provider, type Pkcs11Options } from '../../services/keys/pkcs11/pkcs11-provider.ts'

/** The questions to the peer, one question in each message. The peer answers them in order. */
export type PeerQuestion =
  | { readonly ask: 'open'; readonly options: Pkcs11Options }
  | { readonly ask: 'generate'; readonly alg: TokenAlgorithm }
  | { readonly ask: 'sign'; readonly row: KeyRow; readonly text: string }
  | { readonly ask: 'destroy'; readonly row: KeyRow }

const silent = { debug() {}, info() {}, warn() {}, error() {} }
let provider: ReturnType<typeof openPkcs11Provider> | undefined

async function answer(question: PeerQuestion): Promise<unknown> {
  if (question.ask === 'open') provider = openPkcs11Provider({ ...question.options, log: silent })
  const opened = await provider
  if (opened === undefined) throw new Error('The peer has not opened a hardware token yet')
  if (question.ask === 'generate') return opened.generate(tokenKind(question.alg))
  if (question.ask === 'destroy') return opened.destroy(question.row)
  if (question.ask === 'open') return undefined
  const key = await opened.open(question.row)
  return Buffer.from(await key.sign(Buffer.from(question.text))).toString('base64url')
}

// For tests: a second process with the same hardware token. It ends when the channel to its parent closes.
process.on('message', (question: PeerQuestion) => {
  void answer(question).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: inspect(error) }),
  )
})
