/** Models in GGUF files of this machine, run by node-llama-cpp (optional, imported when the first model is loaded). */
export { createLlamaBackend, type LlamaBackend, type LlamaOptions } from './backend.ts'
export { type GgufHeader, parseGguf, readGguf } from './gguf.ts'
export { manifestOf, type OfferedModel, sha256Of } from './manifest.ts'
export { type Ability, type ModelEntry, type ModelFile, openModelFile } from './model-file.ts'
