/** Bounds of the web server that nothing else of the program shares. Durations in milliseconds. */
export const WEB_LIMITS = {
  /** Connections beside those of live clients: for pages, scrapes and probes. */
  plainConnectionsMax: 100,
  /** Bytes of a request's headers. */
  headerBytesMax: 16 * 1_024,
  /** Time a client has to send its headers, and its whole request. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveMs: 5_000,
  /** Requests over one connection before it is closed. */
  requestsPerConnectionMax: 1_000,
  /** Bytes of an order's body, which may hold a key and a place, and the time it has to come. */
  bodyBytesMax: 16 * 1_024,
  bodyTimeoutMs: 5_000,
  /** Orders that are carried out at once, and the time that one has. */
  actionsMax: 8,
  actionMs: 10_000,
  /** Characters of a token that is given, at least. */
  tokenLengthMin: 16,
  /** Time within which a ticket opens its connection, and tickets that are out at once. */
  ticketMs: 30_000,
  ticketsMax: 1_000,
  /** Time a client has to subscribe after `hello`. */
  subscribeMs: 5_000,
  /** Time between full snapshots of a topic. */
  snapshotIntervalMs: 30_000,
  /** Between the first full snapshots of two topics, so that not all come in one tick. */
  snapshotStaggerMs: 4_000,
  pingIntervalMs: 25_000,
  /** Pings without an answer after which a client is gone. */
  pingsUnansweredMax: 2,
  /** How long closing waits for clients to say goodbye. */
  closeMs: 1_000,
  /** What a client is told to wait after a restart. */
  retryMs: 1_500,
} as const
