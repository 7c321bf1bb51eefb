// Every option, once: default, unit, bounds, flag, environment names, sentence. Nothing else in the
// program has a default of its own for any of them.

import type { Option } from './option.js'
import { ALERT_OPTIONS } from './options/alert.js'
import { DATABASE_OPTIONS } from './options/database.js'
import { DOCUMENT_OPTIONS } from './options/documents.js'
import { FETCH_OPTIONS } from './options/fetch.js'
import { NODE_OPTIONS } from './options/node.js'
import { CHAIN_OPTIONS, PLACES_OPTIONS } from './options/places.js'
import { POLITENESS_OPTIONS } from './options/politeness.js'
import { UPSTREAM_OPTIONS } from './options/upstream.js'
import { LOG_OPTIONS, WEB_OPTIONS } from './options/web.js'
import { WEBHOOK_OPTIONS } from './options/webhook.js'
import { WORK_OPTIONS } from './options/work.js'
import type { SettingName, Settings } from './settings.js'

export const OPTIONS: { readonly [Name in SettingName]: Option<Settings[Name]> } = {
  ...DATABASE_OPTIONS,
  ...NODE_OPTIONS,
  ...WORK_OPTIONS,
  ...CHAIN_OPTIONS,
  ...FETCH_OPTIONS,
  ...POLITENESS_OPTIONS,
  ...UPSTREAM_OPTIONS,
  ...PLACES_OPTIONS,
  ...DOCUMENT_OPTIONS,
  ...ALERT_OPTIONS,
  ...WEBHOOK_OPTIONS,
  ...WEB_OPTIONS,
  ...LOG_OPTIONS,
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(OPTIONS, name)
}

/** All settings, in the order of the table. */
export const SETTING_NAMES: readonly SettingName[] = Object.keys(OPTIONS).filter(isSettingName)

/** Settings that a workflow may have for itself, in the `workflows` part of the file. */
export const WORKFLOW_SETTING_NAMES: readonly SettingName[] = SETTING_NAMES.filter((name) =>
  ['work', 'fetch', 'politeness', 'upstream', 'documents', 'alert'].includes(OPTIONS[name].group),
)

/** A setting's value in words. */
export function showSetting<Name extends SettingName>(name: Name, value: Settings[Name]): string {
  const option: Option<Settings[Name]> = OPTIONS[name]
  return option.show(value)
}

/** A setting's default in words. */
export function showDefault<Name extends SettingName>(name: Name): string {
  const option: Option<Settings[Name]> = OPTIONS[name]
  return option.show(option.default)
}
