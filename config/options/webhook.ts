import { parseUrl } from '../../src/core/parse-url.js'
import { makeOption, optional, ranges, text } from '../option.js'

const group = 'webhook'

function readHook(raw: unknown): string | undefined {
  const url = typeof raw === 'string' ? parseUrl(raw) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  return url.username === '' && url.password === '' ? url.href : undefined
}

export const WEBHOOK_OPTIONS = {
  /** Kept off command lines: the path of such a URL is often a secret. */
  alertWebhook: optional(
    makeOption(
      {
        group,
        name: 'alert-webhook',
        isSecret: true,
        sentence: 'URL that raised and cleared alerts are posted to. It has no flag.',
        default: '',
      },
      {
        type: 'text',
        rule: 'an http or https URL without user and password',
        parse: readHook,
        show: () => 'a secret',
      },
    ),
    { meaning: 'none' },
  ),
  alertWebhookKey: optional(
    text({
      group,
      name: 'alert-webhook-key',
      isSecret: true,
      sentence: 'Secret that notices are signed with (HMAC-SHA256). It has no flag.',
      default: '',
      pattern: /^\S{16,512}$/,
      rule: 'at least 16 characters without spaces',
    }),
    { meaning: 'none' },
  ),
  alertWebhookRanges: ranges({
    group,
    name: 'alert-webhook-ranges',
    sentence: 'Address ranges that notices may be posted to although they are not public.',
    default: [],
  }),
} as const
