export {
  type AgentConfig,
  defaultFolder,
  type KeyReference,
  keyFileReference,
  loadSigner,
  type OperatorConfig,
  pathsIn,
  readAgentConfig,
  readOperatorConfig,
  updateAgentConfig,
  updateOperatorConfig,
} from './config-folder.ts'
export { readText, writeText } from './files.ts'
export { createKeyFile, readKeyFile } from './key-file.ts'
export { type KeyFileOptions, keyFileStore } from './key-file-store.ts'
export { generatePrivateKey, type PrivateKeyText, parsePrivateKey } from './private-key.ts'
export { createP256KeyFile, readSigningKeyFile } from './signing-key-file.ts'
