/** Marks of an axis, at round values that enclose what is drawn. */
export interface Ticks {
  readonly min: number
  readonly max: number
  readonly isLog: boolean
  readonly at: readonly number[]
  readonly format: (value: number) => string
}

const MARKS = 5

/** 1, 2 or 5 times a power of ten. */
function niceStep(span: number): number {
  const rough = span / MARKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough) ?? 10
  return factor * power
}

function range(from: number, to: number, step: number): readonly number[] {
  const count = Math.round((to - from) / step)
  return Array.from({ length: count + 1 }, (_, index) => from + index * step)
}

const SUFFIXES = [
  [1e6, ' M'],
  [1e3, ' k'],
] as const

/** At most three digits, thousands and millions in short. */
export function formatFigure(value: number): string {
  const [unit, suffix] = SUFFIXES.find(([one]) => Math.abs(value) >= one) ?? [1, '']
  return `${Number((value / unit).toPrecision(3))}${suffix}`
}

/**
 * A linear axis begins at zero, so that lengths can be compared.
 *
 * @throws when a logarithmic axis is to show what is not above zero.
 */
export function niceTicks(values: readonly number[], isLog: boolean): Ticks {
  const finite = values.filter(Number.isFinite)
  if (isLog) {
    if (finite.some((value) => value <= 0)) throw new Error('Expected values above 0.')
    const from = Math.floor(Math.log10(Math.min(...finite)))
    const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...finite))))
    const at = range(from, to, 1).map((power) => 10 ** power)
    return { min: 10 ** from, max: 10 ** to, isLog, at, format: formatFigure }
  }
  const top = Math.max(...finite, 0)
  const step = niceStep(top > 0 ? top : 1)
  const max = Math.ceil((top > 0 ? top : 1) / step) * step
  return { min: 0, max, isLog, at: range(0, max, step), format: formatFigure }
}
