// A database clock that tests set. A schema in front of pg_catalog has functions `now` and
// `clock_timestamp` that read one row; whatever is looked up by name on the database finds them
// first. So migrations must run after the clock is there: defaults and views bind a function when
// they are made.

import { after, before } from 'mocha'
import postgres from 'postgres'
import type { Sql } from '../../src/store/client.js'
import { driverTarget } from '../../src/store/embedded.js'
import type { TestDatabase } from './database.js'

/** `clock_timestamp` is volatile like its model, so that no plan takes it for a constant. */
const CLOCK = `
  create schema test_clock;
  create unlogged table test_clock.reading (at timestamptz not null);
  insert into test_clock.reading values (pg_catalog.now());
  create function test_clock.now() returns timestamptz language plpgsql stable as $$
    begin return (select at from test_clock.reading); end $$;
  create function test_clock.clock_timestamp() returns timestamptz language plpgsql volatile as $$
    begin return (select at from test_clock.reading); end $$;
  create function test_clock.us(at timestamptz) returns bigint language sql immutable as $$
    select (extract(epoch from at) * 1000000)::bigint $$;
  grant usage on schema test_clock to public;
  grant select on test_clock.reading to public;`

export interface ClockedDatabase {
  /** Connections that see the clock. */
  readonly sql: Sql
  /** Sets the clock, in microseconds since 1970. */
  readonly setUs: (us: number) => Promise<void>
}

/**
 * Gives a database of `useDatabase` a clock that stands still until it is set. Connections made
 * before do not see it, so work through the ones handed out here.
 */
export function useDatabaseClock(database: TestDatabase, poolMax = 1): ClockedDatabase {
  let clocked: Sql | null = null
  before(async () => {
    await database.sql.unsafe(CLOCK)
    await database.sql.unsafe(`do $$ begin
      execute format('alter database %I set search_path = test_clock, pg_catalog, public',
                     current_database());
      -- What a test commits need not outlive the machine.
      execute format('alter database %I set synchronous_commit = off', current_database());
    end $$`)
    const target = driverTarget(database.url)
    clocked = postgres(target.url, { ...target.options, max: poolMax, onnotice: () => {} }) as Sql
  })
  after(async () => {
    await clocked?.end({ timeout: 5 })
  })
  const ready = () => {
    if (clocked === null) throw new Error('The clock runs inside of tests and hooks only.')
    return clocked
  }
  return {
    get sql() {
      return ready()
    },
    setUs: async (us) => {
      // In two parts: a double has no room for the microseconds of this century's dates.
      await ready()`
        update test_clock.reading
           set at = to_timestamp(${Math.floor(us / 1_000_000)}::float8)
                    + ${us % 1_000_000}::int * interval '1 microsecond'`
    },
  }
}
