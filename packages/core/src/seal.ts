// The chain of events. Each event gets the next number of its chain (one for each
// workspace, one for the instance) and a MAC over its exact bytes and the MAC
// before it, so that none can be edited, taken out, put in or moved unseen. What is
// personal enters as a salted digest: it can be erased, and the chain still holds.

/** An event fact by fact and text by text as it is stored: what a seal covers. */
export interface Evidence {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly type: string;
  readonly createdAt: number;
  readonly actorType: string;
  readonly actorId: string;
  readonly requestId: string | null;
  readonly sharedCredential: string | null;
  readonly subjectType: string;
  readonly subjectId: string;
  /** Ids of the owners whose data it holds: in its payload (`owner`, `former`), in its address (`actor`). */
  readonly ownerId: string | null;
  readonly formerOwnerId: string | null;
  readonly actorOwnerId: string | null;
  /** Personal: these may be erased. */
  readonly before: string | null;
  readonly after: string | null;
  readonly address: string | null;
}

/** What sealing adds. A digest without its salt is what erasing left. */
export interface Seal {
  readonly number: number;
  readonly mac: string;
  readonly payloadSalt: string | null;
  readonly payloadDigest: string | null;
  readonly addressSalt: string | null;
  readonly addressDigest: string | null;
}

export type SealedEvidence = Evidence & Seal;

/** A place in a chain: the number and the MAC of the event there; 0 and '' before the first. */
export interface Link {
  readonly number: number;
  readonly mac: string;
}

/** A chain as a store keeps it. */
export interface Chain {
  /** The id of its workspace, or `instance`. */
  readonly name: string;
  readonly head: Link;
  /** The last event that was pruned; its seal proves that Warder pruned it. Null where none was. */
  readonly base: (Link & { readonly seal: string }) | null;
  /** The number of the last event that was handed to a collector. */
  readonly logged: number;
}

export const START: Link = { number: 0, mac: '' };
const SALT_BYTES = 16;

export type MacLabel = 'event seal' | 'event base';

/** The cryptography that checking takes: part of a host. */
export interface Checker {
  /** SHA-256 of a text, in base64url. */
  hash(text: string): string;
  /** A MAC of a text that only this installation can make, in base64url. */
  authenticate(label: MacLabel, text: string): string;
}

/** What sealing takes besides: bytes that nobody can guess. */
export interface Sealer extends Checker {
  random(bytes: number): Uint8Array;
}

export function chainOf(workspaceId: string | null): string {
  return workspaceId ?? 'instance';
}

/** The seal of an event that comes next behind `last`. */
export function sealBehind(last: Link, event: Evidence, host: Sealer): Seal {
  const number = last.number + 1;
  const payloadSalt = hasPayload(event) ? saltOf(host) : null;
  const addressSalt = event.address === null ? null : saltOf(host);
  const digests = {
    payloadSalt,
    payloadDigest: payloadSalt && host.hash(payloadText(payloadSalt, event)),
    addressSalt,
    addressDigest: addressSalt && host.hash(addressText(addressSalt, event)),
  };
  const mac = host.authenticate('event seal', sealedText(last, { ...event, ...digests, number }));
  return { number, mac, ...digests };
}

/** What proves that the chain was pruned up to there. */
export function baseSeal(chain: string, { number, mac }: Link, host: Checker): string {
  return host.authenticate('event base', JSON.stringify([chain, number, mac]));
}

/** What is wrong with an event, where it stands behind `last`; null for nothing. */
export function faultBehind(last: Link, event: SealedEvidence, host: Checker): string | null {
  const missing = event.number - last.number - 1;
  if (missing < 0) return 'another event has the same number: one of them was put in';
  if (missing > 0) {
    const which =
      missing === 1
        ? `event ${last.number + 1} is`
        : `events ${last.number + 1} to ${event.number - 1} are`;
    return `${which} missing before it: deleted, or moved`;
  }
  if (event.mac !== host.authenticate('event seal', sealedText(last, event))) {
    return 'it is not what was sealed here: edited, moved, or put in';
  }
  if (isEdited(hasPayload(event), event.payloadSalt, event.payloadDigest, payloadText, event, host))
    return 'its payload (before, after) was edited';
  if (
    isEdited(
      event.address !== null,
      event.addressSalt,
      event.addressDigest,
      addressText,
      event,
      host,
    )
  )
    return 'its address was edited';
  return null;
}

/** Whose erasure explains what is missing from an event; empty where nothing is. */
export function erasedFor(event: SealedEvidence): readonly (readonly (string | null)[])[] {
  const payload = event.payloadDigest !== null && event.payloadSalt === null;
  const address = event.addressDigest !== null && event.addressSalt === null;
  return [
    ...(payload ? [[event.ownerId, event.formerOwnerId]] : []),
    ...(address ? [[event.actorOwnerId]] : []),
  ];
}

function isEdited(
  stands: boolean,
  salt: string | null,
  digest: string | null,
  textOf: (salt: string, event: Evidence) => string,
  event: Evidence,
  host: Checker,
): boolean {
  if (salt === null) return stands;
  return digest !== host.hash(textOf(salt, event));
}

function hasPayload({ before, after }: Evidence): boolean {
  return before !== null || after !== null;
}

function saltOf({ random }: Sealer): string {
  return Array.from(random(SALT_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function payloadText(salt: string, { before, after }: Evidence): string {
  return JSON.stringify(['payload', salt, before, after]);
}

function addressText(salt: string, { address }: Evidence): string {
  return JSON.stringify(['address', salt, address]);
}

function sealedText(last: Link, event: Evidence & Omit<Seal, 'mac'>): string {
  return JSON.stringify([
    chainOf(event.workspaceId),
    event.number,
    last.mac,
    event.id,
    event.workspaceId,
    event.type,
    event.createdAt,
    event.actorType,
    event.actorId,
    event.requestId,
    event.sharedCredential,
    event.subjectType,
    event.subjectId,
    event.ownerId,
    event.formerOwnerId,
    event.actorOwnerId,
    event.payloadDigest,
    event.addressDigest,
  ]);
}
