/** Events into what people and machines read. */
export { createLogLines, type LogLevel, type LogLinesOptions } from './log-lines.ts'
