import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { type Clock, systemClock } from '../core/clock.js'
import type { AnyEvent, EventListener, LogLevel } from './events.js'
import { createLineBudget } from './line-budget.js'
import { levelOf, wordsOf } from './lines.js'
import { redactFields, redactText } from './redact.js'

export type { Logger } from 'pino'

export interface LogOptions {
  /** Lines below this level are not written. @default 'info' */
  readonly level?: LogLevel | 'silent'
  /** 'auto' is pretty on a terminal and JSON elsewhere. @default 'auto' */
  readonly format?: 'auto' | 'json' | 'pretty'
  /** Whether standard error is a terminal. @default process.stderr.isTTY */
  readonly isTerminal?: boolean
  /** Colour in pretty lines. @default isTerminal */
  readonly color?: boolean
  /** Fields of every line, such as the node. */
  readonly base?: { readonly [field: string]: string | number }
  /** Where lines go. @default standard error, written synchronously */
  readonly stream?: DestinationStream
}

/**
 * The process's logger: JSON lines on standard error, or sentences for a terminal.
 *
 * Lines are written before the call returns, pretty ones too: none is missing after an exit.
 * Secrets, query strings and control characters are removed from messages and fields, whoever logs
 * them.
 */
export function createLogger(options: LogOptions = {}): Logger {
  const { level = 'info', format = 'auto', base = {} } = options
  const isTerminal = options.isTerminal ?? process.stderr.isTTY === true
  const target = options.stream ?? destination({ fd: 2, sync: true })
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal)
  const stream = isPretty ? prettyStream(target, options.color ?? isTerminal) : target
  return pino(
    {
      level,
      base: redactFields(base),
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors arrive here as themselves and leave as plain, redacted data.
      serializers: { err: (error) => error },
      formatters: {
        level: (label) => ({ level: label }),
        log: redactFields,
        bindings: redactFields,
      },
      hooks: {
        logMethod(given, method) {
          const redacted = given.map((part) => (typeof part === 'string' ? redactText(part) : part))
          // An Error given bare would be logged by pino itself, past the formatters.
          const [first, ...rest] = redacted
          if (first instanceof Error) method.call(this, { err: first }, redactText(first.message))
          else method.call(this, first as object, ...(rest as [string]))
        },
      },
    },
    stream,
  )
}

/** Formats line by line: the library's own stream would still hold lines when the process exits. */
function prettyStream(target: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize,
    ignore: 'pid,hostname,event',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  })
  return { write: (line) => target.write(format(line)) }
}

/** Fields that the sentence of the line repeats, or that belong to nobody's question. */
const UNLOGGED = new Set(['name', 'message', 'level', 'fields', 'leaseIds'])

/**
 * The one subscriber that writes events to the log. It decides nothing: level and words are the
 * table's in `lines.ts`. More than 50 lines a second of one event are withheld and counted in the
 * field `withheld` of the next one.
 */
export function createLogSubscriber(
  logger: Logger,
  options: { readonly clock?: Clock; readonly linesMax?: number } = {},
): EventListener {
  const budget = createLineBudget({ clock: systemClock, ...options })
  return (event) => {
    const level = levelOf(event)
    if (!logger.isLevelEnabled(level)) return
    const answer = budget(event.name)
    if (answer.verdict === 'withhold') return
    logger[level](lineFields(event, answer.withheld), wordsOf(event))
  }
}

function lineFields(event: AnyEvent, withheld: number): Record<string, unknown> {
  const own = Object.entries(event).filter(([field]) => !UNLOGGED.has(field))
  const handlers = event.name === 'worker.log' ? { fields: event.fields } : {}
  const missing = withheld > 0 ? { withheld } : {}
  return { event: event.name, ...Object.fromEntries(own), ...handlers, ...missing }
}
