const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const twoDigits = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

/** What is shown for a figure that is not known. */
export const UNKNOWN = '–'

export function count(value) {
  return value === undefined ? UNKNOWN : whole.format(value)
}

export function rate(value) {
  if (value === undefined) return UNKNOWN
  if (value >= 100) return whole.format(value)
  return value >= 10 ? oneDigit.format(value) : twoDigits.format(value)
}

/** A share from 0 to 1. It shows 100 % only when nothing is missing. */
export function percent(ratio) {
  if (ratio === undefined) return UNKNOWN
  if (ratio === 1) return '100 %'
  return `${(Math.floor(ratio * 1000) / 10).toFixed(1)} %`
}

export function duration(ms) {
  if (ms === undefined) return UNKNOWN
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (seconds < 86400)
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(value) {
  if (value === undefined) return UNKNOWN
  let amount = value
  let unit = 0
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024
    unit += 1
  }
  const format = unit === 0 || amount >= 100 ? whole : oneDigit
  return `${format.format(amount)} ${UNITS[unit]}`
}

const zones = { local: undefined, UTC: 'UTC' }
const styles = {}
let zone = 'local'

/** Shows times of the browser's zone, `local`, or in `UTC`. */
export function setZone(name) {
  zone = name
}

export function zoneName() {
  return zone
}

function styleOf(kind, options) {
  const key = `${kind} ${zone}`
  styles[key] ??= new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zones[zone] })
  return styles[key]
}

export function timeOfDay(atMs) {
  return styleOf('time', { timeStyle: 'medium' }).format(new Date(atMs))
}

/** The time alone on the same day, with the date on others. */
export function moment(atMs, nowMs = Date.now()) {
  if (!Number.isFinite(atMs)) return UNKNOWN
  const day = styleOf('day', { dateStyle: 'medium' })
  const date = day.format(new Date(atMs))
  return date === day.format(new Date(nowMs)) ? timeOfDay(atMs) : `${date}, ${timeOfDay(atMs)}`
}

/** How long ago, or in how long. */
export function distance(atMs, nowMs = Date.now()) {
  const ms = atMs - nowMs
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}
