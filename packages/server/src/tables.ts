// The tables of the store, and what a row of each holds.

import type { Generated } from 'kysely';
import type { BalanceRow } from './credit-rows.ts';
import type { ChainRow, EventRow, SealedRow } from './event-rows.ts';
import type { MemberRow } from './member-rows.ts';
import type { ReplyRow } from './reply-rows.ts';
import type {
  InstallationRow,
  KeyOrderRow,
  KeyRow,
  OrderRow,
  OwnerRow,
  WindowRow,
  WorkspaceRow,
} from './rows.ts';

/** A key as it is inserted. The digest stays with its row for good, tombstones included. */
export interface NewKeyRow extends KeyRow, KeyOrderRow {
  digest: Uint8Array;
  pepper_version: number;
}

export interface SecretCheckRow {
  name: string;
  value: string;
}

export interface Tables {
  /** The day of the last use changes at most once a day, with the use that brings it. */
  keys: NewKeyRow & { last_used_day: Generated<number> };
  /** Narrow, and written in bulk: what a use changes touches no index of `keys`. */
  key_usage: { key_position: bigint; last_used_at: number };
  key_refusals: { key_position: bigint };
  /** Whose figures are to be removed: a kind of USAGE_KINDS, and the position of one. */
  usage_to_forget: { kind: number; position: bigint };
  /** Narrow, and written in bulk, as `key_usage` is. */
  limit_windows: WindowRow;
  /** Balances of keys and owners, by their id. */
  balances: BalanceRow;
  workspaces: WorkspaceRow & OrderRow;
  owners: OwnerRow & OrderRow;
  members: MemberRow & OrderRow;
  events: EventRow & SealedRow & { position: bigint; chain: string | null };
  chains: ChainRow;
  replies: ReplyRow;
  installation: InstallationRow;
  secret_checks: SecretCheckRow;
}
