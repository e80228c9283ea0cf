// How long each table keeps what it has: the one place that says so. What removes it
// works in steps of a hundred rows, beside the calls. A new table does not pass the
// tests until it has its line here.

/** What an operator may choose; where it is not given, `DEFAULT_RETENTION`. */
export interface Retention {
  /** Null for ever. */
  readonly eventsSeconds: number | null;
  readonly usageHoursSeconds: number;
  readonly usageDaysSeconds: number;
}

const DAY_SECONDS = 86_400;

export const DEFAULT_RETENTION: Retention = {
  eventsSeconds: null,
  usageHoursSeconds: 90 * DAY_SECONDS,
  /** 25 months, whichever they are. */
  usageDaysSeconds: 762 * DAY_SECONDS,
};

/** How long refusals of a key are kept: they hold addresses. */
export const REFUSALS_SECONDS = 30 * DAY_SECONDS;

/** By the name of each table, until when a row of it is there. */
export function livesOfTables(retention: Retention): Readonly<Record<string, string>> {
  const { eventsSeconds, usageHoursSeconds, usageDaysSeconds } = retention;
  const asItsKey = 'as long as the key is listed';
  return {
    installation: 'for ever, one row',
    secret_checks: 'for ever, one row for the secret and for each pepper',
    migrations: 'for ever, one row for each version of the schema',
    workspaces: 'for ever',
    metadata_names: 'as long as the workspace declares the name',
    owners: 'for ever; without what is personal once erased',
    members: 'for ever: who was removed does not come back by signing in',
    keys: 'for ever: what was revoked stays refused; without its facts once its workspace is deleted',
    key_usage: 'as long as the key has facts',
    balances: 'as long as the key or owner has credits',
    key_search: asItsKey,
    key_search_filled: 'for ever, one row',
    key_scopes: asItsKey,
    key_metadata: asItsKey,
    usage_hours: told(usageHoursSeconds),
    usage_days: told(usageDaysSeconds),
    usage_months: 'for ever, or until the key, owner or workspace is gone',
    usage_rolled: 'for ever, two rows',
    usage_to_forget: 'until the next step of upkeep',
    key_refusals: told(REFUSALS_SECONDS),
    limit_windows: 'until the window ends',
    events: eventsSeconds === null ? 'for ever' : told(eventsSeconds),
    chains: 'for ever, one row for each workspace',
    replies: 'for a day, for a retry',
  };
}

function told(seconds: number): string {
  const days = Math.floor(seconds / DAY_SECONDS);
  if (days < 1) return `${Math.floor(seconds / 3600)} hours`;
  return days === 1 ? '1 day' : `${days} days`;
}
