/** The Responses API, told as one chat call. */
export { ResponsesRequest } from './request.ts'
export { createResponsesTeller, type ResponsesEvent, type ResponsesTeller } from './teller.ts'
export { toChat } from './to-chat.ts'
