/** Services that do not speak OpenAI's protocol, by the provider packages of the AI SDK. */
export { type AdaptedOptions, createAdapted, serviceUrl } from './adapted.ts'
export type { AwsKeys, ServiceKind } from './service.ts'
