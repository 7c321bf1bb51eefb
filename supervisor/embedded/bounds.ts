/** Every bound of the embedded database. The tests read the relations between them, not copies. */
export const EMBEDDED_BOUNDS = {
  /** Longest wait of `pg_ctl` for a start or a stop before it reports; recovery may go on after it. */
  controlSeconds: 60,
  /** Longest wait for a Postgres that says it is starting: crash recovery of a large log. */
  recoveryMs: 600_000,
  /** Longest wait for a living postmaster that does not answer at all. */
  silenceMs: 30_000,
  /** Time between two questions to a server that is not ready. */
  askAgainMs: 100,
  /** How far the two notes of the server's start, file and answer, may lie apart, in seconds. */
  startSkewSeconds: 60,
  /** How long a connection that was closed may still be seen by the server. */
  lingerMs: 2_000,
  /** Time one connection attempt may take, in seconds as the driver wants it. */
  connectSeconds: 5,
  /** Longest wait for our turn to start or stop the server; longer than a start with recovery. */
  turnMs: 720_000,
  /** Time between two looks at a lock that somebody holds. */
  lookAgainMs: 25,
  /** Depth of take-overs of take-overs: each level is one more killed process. */
  takeoverDepthMax: 8,
  /** Tries to take a lock while others come and go. */
  lockTriesMax: 1_000,
  /** Tries to start on a loopback port that somebody else may take first. */
  portTriesMax: 3,
  /** Output kept of a program that we run. */
  outputBytesMax: 64 * 1_024,
  /** Longest run of `initdb` and of the small programs. */
  programMs: 300_000,
  /** Size at which the server's log is moved aside at the next start; one older log is kept. */
  logBytesMax: 10 * 1_048_576,
  /** Lines of the server's log that an error message shows. */
  logLinesShown: 6,
  /** Bytes of a socket's path: 104 on macOS and 108 on Linux, the final zero included. */
  socketPathBytesMax: 103,
} as const
