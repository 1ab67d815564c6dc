export {
  type AgentConfig,
  defaultFolder,
  keyFileReference,
  type OperatorConfig,
  pathsIn,
  readAgentConfig,
  readOperatorConfig,
  updateAgentConfig,
  updateOperatorConfig,
} from './config-folder.ts'
export type { KeyReference } from './config-members.ts'
export { readText, writeText } from './files.ts'
export { createKeyFile, readKeyFile } from './key-file.ts'
export { type KeyFileOptions, keyFileStore } from './key-file-store.ts'
export { keyPathOf, loadOperationalKey, loadSigner } from './load-signer.ts'
export type { OperatorTeam, OwnKey } from './operator-team.ts'
export { generatePrivateKey, type PrivateKeyText, parsePrivateKey } from './private-key.ts'
export { createP256KeyFile, readSigningKeyFile } from './signing-key-file.ts'
