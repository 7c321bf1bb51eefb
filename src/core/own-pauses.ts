/**
 * Reasons for which the program pauses a workflow by itself. A new boot lifts them, because it is a
 * new try at what failed; a finite run that meets one ends.
 */
export const OWN_PAUSES = [
  'restart_intensity',
  'module_refused',
  'results_refused',
  'failing',
  'key_refused',
  'request_refused',
  'budget',
  'login_refused',
  'site_refused',
  'disk_full',
  'directory_refused',
] as const
