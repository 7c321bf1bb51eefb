import { choice } from '../option.js'

const group = 'politeness'

export const POLITENESS_OPTIONS = {
  robots: choice({
    group,
    name: 'robots',
    sentence: 'Whether robots.txt decides what is fetched.',
    default: 'obey',
    choices: ['obey', 'ignore'],
  }),
} as const
