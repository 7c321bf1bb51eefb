// How PM2 runs Fetchyard. Start it by name: `pm2 start ecosystem.config.cjs`.
//
// Every line here answers a default of PM2 that would lose work or time:
module.exports = {
  apps: [
    {
      name: 'fetchyard',
      // In a project that has Fetchyard as a dependency:
      // './node_modules/fetchyard/dist/supervisor/cli/main.js'.
      script: './dist/supervisor/cli/main.js',
      args: 'up',
      // `instances`, even 1, would silently mean cluster mode. Two supervisors at once are fine, but a
      // reload would then start the new one beside the old under another name.
      exec_mode: 'fork',
      // The message reaches the supervisor alone, and the same way on every system. A signal to the
      // whole tree would reach workers and database before the supervisor could drain.
      shutdown_with_message: true,
      treekill: false,
      // Above the drain deadline (30 s) and the farewell after it; PM2's own is 1.6 s.
      kill_timeout: 45_000,
      // Online means leasing: the first boot makes the database first.
      wait_ready: true,
      listen_timeout: 60_000,
      exp_backoff_restart_delay: 200,
      // Drained, and a configuration that no restart will mend. Never 0: PM2 records a kill as 0.
      stop_exit_codes: [4, 78],
      // The supervisor alone; its workers have their own limit.
      max_memory_restart: '1G',
      // V8's own choice for what has just been allocated is 16 MB twice, which a supervisor keeps.
      node_args: '--max-semi-space-size=4',
      merge_logs: true,
      vizion: false,
      pmx: false,
    },
  ],
}
