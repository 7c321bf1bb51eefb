-- breaking: no. Imports of files of records.

-- One row a file whose records are enqueued. The position moves in the transaction that enqueues the
-- records before it, so that a killed import goes on where its items end.
create table fetchyard.import (
  import_id   integer     generated always as identity primary key,
  workflow_id smallint    not null references fetchyard.workflow,
  name        text        not null check (length(name) between 1 and 1024),
  fingerprint text        not null,
  position    jsonb       not null,
  records     bigint      not null default 0,
  problem     text,
  started_at  timestamptz not null default now(),
  moved_at    timestamptz not null default now(),
  finished_at timestamptz,
  unique (workflow_id, name)
);

comment on table fetchyard.import is
  'Files whose records are enqueued, and how far each is.';
comment on column fetchyard.import.position is
  'Offset in the document, records before it, and the elements that are open there.';
comment on column fetchyard.import.problem is
  'Why the document could not be read to its end; its last item ends with the same words.';
