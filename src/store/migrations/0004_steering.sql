-- breaking: no. What each node works, so that limits of the cluster can be divided among them.

alter table fetchyard.node add column plans jsonb not null default '{}';

comment on column fetchyard.node.plans is
  'Workflows this node works, and for each the limit of the cluster that it shares: same word, same limit.';
