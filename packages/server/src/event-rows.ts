// Rows of events and of their chains, and back into what the core works with.
// Whose data an event holds is written with it and never read for a caller.

import {
  type Chain,
  type Event,
  type Evidence,
  type JsonObject,
  positionOf,
  type SealedEvidence,
  type StoredEvent,
} from '@warder/core';
import { columnsOf, parsed } from './rows.ts';

export type NewEventRow = ReturnType<typeof rowOfEvent>;

/** An event as it is inserted, with the names of the owners whose data it holds. */
export function rowOfEvent(event: Event) {
  return {
    position: positionOf(event.id),
    id: event.id,
    workspace_id: event.workspaceId,
    type: event.type,
    created_at: event.createdAt,
    actor_type: event.actor.type,
    actor_id: event.actor.id,
    address: event.origin.address,
    request_id: event.origin.requestId,
    shared_credential: event.origin.sharedCredential,
    subject_type: event.subject.type,
    subject_id: event.subject.id,
    before: event.before && JSON.stringify(event.before),
    after: event.after && JSON.stringify(event.after),
    owner: event.owners.now,
    former_owner: event.owners.former,
    actor_position: event.actor.type === 'key' ? positionOf(event.actor.id) : -1n,
  };
}

/** What an event is written with that is not read back. */
type NamingColumn = 'position' | 'owner' | 'former_owner' | 'actor_position';

/** What is read of an event for whoever asks. */
export interface EventRow extends Omit<NewEventRow, NamingColumn> {
  number: number | null;
  mac: string | null;
  erased_at: number | null;
}

/** What a seal covers, and the seal. The last four are null before it, and for what is not there. */
export interface SealedRow extends Omit<EventRow, 'erased_at'> {
  owner_id: string | null;
  former_owner_id: string | null;
  actor_owner_id: string | null;
  payload_salt: string | null;
  payload_digest: string | null;
  address_salt: string | null;
  address_digest: string | null;
}

export interface ChainRow {
  name: string;
  number: number;
  mac: string;
  base_number: number;
  base_mac: string;
  base_seal: string | null;
  logged: number;
}

export function evidenceOf(row: SealedRow): Evidence {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    type: row.type,
    createdAt: row.created_at,
    actorType: row.actor_type,
    actorId: row.actor_id,
    requestId: row.request_id,
    sharedCredential: row.shared_credential,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    ownerId: row.owner_id,
    formerOwnerId: row.former_owner_id,
    actorOwnerId: row.actor_owner_id,
    before: row.before,
    after: row.after,
    address: row.address,
  };
}

/** @param row of an event that is sealed */
export function sealedEvidenceOf(row: SealedRow): SealedEvidence {
  return {
    ...evidenceOf(row),
    number: row.number ?? 0,
    mac: row.mac ?? '',
    payloadSalt: row.payload_salt,
    payloadDigest: row.payload_digest,
    addressSalt: row.address_salt,
    addressDigest: row.address_digest,
  };
}

export function chainOf(row: ChainRow): Chain {
  const { name, number, mac, base_number, base_mac, base_seal, logged } = row;
  const base = { number: base_number, mac: base_mac, seal: base_seal ?? '' };
  return {
    name,
    head: { number, mac },
    base: base_number === 0 && base_seal === null ? null : base,
    logged,
  };
}

export function eventOf(row: EventRow): StoredEvent {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    type: row.type,
    createdAt: row.created_at,
    actor: { type: row.actor_type, id: row.actor_id },
    origin: {
      address: row.address,
      requestId: row.request_id,
      sharedCredential: row.shared_credential,
    },
    subject: { type: row.subject_type, id: row.subject_id },
    before: row.before === null ? null : parsed<JsonObject>(row.before),
    after: row.after === null ? null : parsed<JsonObject>(row.after),
    number: row.number,
    mac: row.mac,
    erasedAt: row.erased_at,
  };
}

const EVENT_FACTS = {
  id: true,
  workspace_id: true,
  type: true,
  created_at: true,
  actor_type: true,
  actor_id: true,
  address: true,
  request_id: true,
  shared_credential: true,
  subject_type: true,
  subject_id: true,
  before: true,
  after: true,
  number: true,
  mac: true,
} as const;
export const EVENT_COLUMNS = columnsOf<EventRow>({ ...EVENT_FACTS, erased_at: true });
export const SEALED_COLUMNS = columnsOf<SealedRow>({
  ...EVENT_FACTS,
  owner_id: true,
  former_owner_id: true,
  actor_owner_id: true,
  payload_salt: true,
  payload_digest: true,
  address_salt: true,
  address_digest: true,
});
export const CHAIN_COLUMNS = columnsOf<ChainRow>({
  name: true,
  number: true,
  mac: true,
  base_number: true,
  base_mac: true,
  base_seal: true,
  logged: true,
});
