// Walking a chain of events from its beginning to its end: what holds, and the
// first event that does not. Decides purely and in bounded memory; the store
// brings the events, in the order of their numbers.

import {
  baseSeal,
  type Chain,
  type Checker,
  erasedFor,
  faultBehind,
  type Link,
  type SealedEvidence,
  START,
} from './seal.ts';

/** What was found of one chain. */
export interface ChainReport {
  readonly chain: string;
  /** The number of the last event that was pruned; 0 where none was. */
  readonly base: number;
  /** The number of the last event that holds. */
  readonly head: number;
  /** How many events hold. */
  readonly events: number;
  /** How many of them had personal data erased. */
  readonly erased: number;
  /** The first event that does not hold, and what is wrong with it. */
  readonly fault: Fault | null;
}

export interface Fault {
  readonly number: number;
  readonly what: string;
}

export interface AuditParts {
  readonly host: Checker;
  /** Ids of owners that the log says were erased. */
  readonly erasedOwners: ReadonlySet<string>;
  /** Heads of this chain that were noted elsewhere. */
  readonly noted: readonly Link[];
}

/** @param events all that the store holds of the chain, the least number first */
export function auditChain(
  chain: Chain,
  events: Iterable<SealedEvidence>,
  parts: AuditParts,
): ChainReport {
  const audit = beginAudit(chain, parts);
  if (audit.begun !== null) return audit.begun;
  for (const event of events) {
    const broken = audit.next(event);
    if (broken !== null) return broken;
  }
  return audit.end();
}

/** As `auditChain`, of events that are read as they are looked at. */
export async function auditChainAsRead(
  chain: Chain,
  events: Iterable<SealedEvidence> | AsyncIterable<SealedEvidence>,
  parts: AuditParts,
): Promise<ChainReport> {
  const audit = beginAudit(chain, parts);
  if (audit.begun !== null) return audit.begun;
  for await (const event of events) {
    const broken = audit.next(event);
    if (broken !== null) return broken;
  }
  return audit.end();
}

/** A walk along a chain, event by event; null while all holds. */
function beginAudit(chain: Chain, { host, erasedOwners, noted }: AuditParts) {
  const { base } = chain;
  const macs = new Map(noted.map(({ number, mac }) => [number, mac]));
  let last: Link = base ?? START;
  let erased = 0;
  const report = (fault: Fault | null): ChainReport => ({
    chain: chain.name,
    base: base?.number ?? 0,
    head: last.number,
    events: last.number - (base?.number ?? 0),
    erased,
    fault,
  });
  const atNoted = ({ number, mac }: Link) => (macs.get(number) ?? mac) === mac;
  const begin = (): ChainReport | null => {
    if (base !== null && base.seal !== baseSeal(chain.name, base, host)) {
      return report({
        number: base.number,
        what: 'what was removed before the next one was not pruned by Warder',
      });
    }
    return atNoted(last) ? null : report({ number: last.number, what: NOT_NOTED });
  };

  return {
    begun: begin(),
    next(event: SealedEvidence): ChainReport | null {
      const fault = faultBehind(last, event, host);
      if (fault !== null) return report({ number: event.number, what: fault });
      const missing = erasedFor(event);
      // Who was erased may have been pruned with the beginning of the chain.
      const explained = missing.every((owners) => owners.some((id) => erasedOwners.has(id ?? '')));
      if (!explained && base === null) return report({ number: event.number, what: UNEXPLAINED });
      if (!atNoted(event)) return report({ number: event.number, what: NOT_NOTED });
      if (missing.length > 0) erased++;
      last = event;
      return null;
    },
    end(): ChainReport {
      if (chain.head.number !== last.number || chain.head.mac !== last.mac) {
        const { number } = chain.head;
        const what =
          number > last.number
            ? `it and what follows up to ${number} are missing: deleted`
            : `the chain goes on behind its head, which says ${number}: put in, or the head was edited`;
        return report({ number: last.number + 1, what });
      }
      const highest = Math.max(0, ...macs.keys());
      if (highest > last.number) {
        const what = `the chain was cut off: a head noted elsewhere says ${highest}`;
        return report({ number: last.number + 1, what });
      }
      return report(null);
    },
  };
}

const NOT_NOTED = 'it is not the event of the head that was noted elsewhere';
const UNEXPLAINED = 'its personal data was removed, and no owner that it tells of was erased';
