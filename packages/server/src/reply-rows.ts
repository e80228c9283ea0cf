// Replies kept for a retry, as rows.

import type { StoredReply } from '@warder/core';
import { columnsOf } from './rows.ts';

export type ReplyRow = ReturnType<typeof rowOfReply>;

export function rowOfReply(reply: StoredReply) {
  return {
    id: reply.id,
    fingerprint: reply.fingerprint,
    key_id: reply.keyId,
    sealed: reply.sealed,
    expires_at: reply.expiresAt,
  };
}

export function replyOf(row: ReplyRow): StoredReply {
  return {
    id: row.id,
    fingerprint: row.fingerprint,
    keyId: row.key_id,
    sealed: row.sealed,
    expiresAt: row.expires_at,
  };
}

export const REPLY_COLUMNS = columnsOf<ReplyRow>({
  id: true,
  fingerprint: true,
  key_id: true,
  sealed: true,
  expires_at: true,
});
