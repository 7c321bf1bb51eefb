// A notice as it goes over the wire: the headers of Standard Webhooks, so that receivers find
// libraries that check them. The signature covers id, time and body.

import { createHmac } from 'node:crypto'
import { alertTitle } from '../src/core/alert-plan.js'
import type { Notice } from '../src/store/alert-notices.js'

export interface SignedNotice {
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

const KEY_PREFIX = 'whsec_'

/** A key that says it is base64 is; any other is taken by its bytes. */
function keyBytes(key: string): Buffer {
  return key.startsWith(KEY_PREFIX)
    ? Buffer.from(key.slice(KEY_PREFIX.length), 'base64')
    : Buffer.from(key, 'utf8')
}

export function signNotice(
  notice: Notice,
  with_: { readonly key: string; readonly wallMs: number; readonly agent: string },
): SignedNotice {
  const { noticeId, alert, subject, event, level, message, happenedAt } = notice
  const id = `alert_${noticeId}`
  const at = String(Math.floor(with_.wallMs / 1_000))
  const sign = event === 'raised' ? 'Alert' : 'All clear'
  const body = JSON.stringify({
    schema: 1,
    id,
    event: `alert.${event}`,
    alert,
    title: alertTitle(alert),
    subject,
    severity: level,
    message,
    happenedAt,
    // What chat servers show of a notice.
    text: `${sign}: ${message}`,
  })
  const signature = createHmac('sha256', keyBytes(with_.key))
    .update(`${id}.${at}.${body}`)
    .digest('base64')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': with_.agent,
      'webhook-id': id,
      'webhook-timestamp': at,
      'webhook-signature': `v1,${signature}`,
    },
  }
}
