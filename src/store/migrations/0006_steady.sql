-- breaking: no. Since when a node's heartbeats have come without a gap, by the database's clock.

alter table fetchyard.node add column steady_since timestamptz not null default clock_timestamp();

comment on column fetchyard.node.steady_since is
  'Since when its heartbeats have come without a gap. Who was silent, as everybody is while the database is away, may not fence others yet.';
