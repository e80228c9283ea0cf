// The chain of events on a real file: what is done to it with plain SQL behind
// Warder's back is found, and what Warder itself does to it is not.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { auditChain, type ChainReport, type Link } from '@warder/core';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { createHost } from '../packages/server/src/host.ts';
import { openSealedEvents } from '../packages/server/src/storage/embedded/sealed.ts';
import { type Service, startService } from './fixtures/service.ts';

let service: Service;
afterEach(() => service.close());

/** A service with events in two chains, all of them sealed. */
async function sealed(keys = 8): Promise<string> {
  service = await startService();
  for (let i = 0; i < keys; i++) await service.create({ name: `Key ${i}`, ownerId: 'customer' });
  await sealAll();
  return service.defaultWorkspaceId;
}

async function sealAll(): Promise<void> {
  while ((await service.owner.sealEvents()) > 0);
}

function check(noted: Readonly<Record<string, readonly Link[]>> = {}): readonly ChainReport[] {
  const events = openSealedEvents(service.file);
  const { erasedOwners } = events;
  try {
    return events.chains.map((chain) =>
      auditChain(chain, events.of(chain.name), {
        host: service.host,
        erasedOwners,
        noted: noted[chain.name] ?? [],
      }),
    );
  } finally {
    events.close();
  }
}

function heads(): Record<string, readonly Link[]> {
  const events = openSealedEvents(service.file);
  const found = events.chains.map(({ name, head }) => [name, [head]]);
  events.close();
  return Object.fromEntries(found);
}

/** Every fault, as `<chain> <number>: <what>`, with the workspace's chain as `W`. */
function faults(noted?: Readonly<Record<string, readonly Link[]>>): string[] {
  return check(noted).flatMap(({ chain, fault }) =>
    fault === null ? [] : [`${chain === 'instance' ? 'I' : 'W'} ${fault.number}: ${fault.what}`],
  );
}

function tamper(sql: string, ...values: unknown[]): void {
  const database = new Database(service.file);
  database.prepare(sql).run(...values);
  database.close();
}

function rows<Row>(sql: string, ...values: unknown[]): Row[] {
  const database = new Database(service.file, { readonly: true });
  const found = database.prepare(sql).all(...values) as Row[];
  database.close();
  return found;
}

describe('a chain that nobody touched', () => {
  test('holds, one for the instance and one for each workspace, numbered without a gap', async () => {
    const workspace = await sealed();
    const other = await service.workspace();
    await sealAll();
    const reports = check();
    expect(reports.map(({ chain }) => chain).sort()).toEqual(
      ['instance', workspace, other.id].sort(),
    );
    expect(reports.every(({ fault }) => fault === null)).toBe(true);
    const all = await service.events();
    for (const { chain, events, head } of reports) {
      const home = chain === 'instance' ? null : chain;
      const numbers = all.filter((one) => one.workspaceId === home).map((one) => one.number);
      expect(numbers).toEqual(Array.from({ length: events }, (_, i) => events - i));
      expect(head).toBe(events);
    }
  });

  test('does not hold under another secret', async () => {
    await sealed();
    const events = openSealedEvents(service.file);
    const host = createHost({ secret: new Uint8Array(32).fill(8) });
    const parts = { host, erasedOwners: events.erasedOwners, noted: [] };
    const reports = events.chains.map((chain) => auditChain(chain, events.of(chain.name), parts));
    events.close();
    expect(reports.every(({ fault }) => fault?.number === 1)).toBe(true);
  });

  test('holds while new events wait to be sealed, which are counted', async () => {
    await sealed();
    await service.create({});
    const events = openSealedEvents(service.file);
    expect(events.unsealed).toBe(1);
    events.close();
    expect(faults()).toEqual([]);
  });

  test('is sealed once, however many processes seal at once', async () => {
    service = await startService();
    for (let i = 0; i < 250; i++) await service.create({});
    const sealing = Array.from({ length: 6 }, () => sealAll());
    await Promise.all([...sealing, ...Array.from({ length: 20 }, () => service.create({}))]);
    await sealAll();
    expect(faults()).toEqual([]);
    expect(rows('SELECT 1 FROM events WHERE number IS NULL')).toEqual([]);
  });

  test('is one chain for several processes, also where one of them is killed in between', async () => {
    service = await startService();
    const start = () => {
      const child = spawn(process.execPath, [
        '--conditions=warder-source',
        SEALER,
        service.file,
        '60',
      ]);
      return { child, ended: new Promise((resolve) => child.on('close', resolve)) };
    };
    const processes = Array.from({ length: 4 }, start);
    setTimeout(() => processes[0]?.child.kill('SIGKILL'), 700);
    await Promise.all(processes.map(({ ended }) => ended));
    await sealAll();
    expect(faults()).toEqual([]);
    const [made] = rows<{ count: number }>(
      "SELECT count(*) AS count FROM events WHERE type = 'key.created'",
    );
    expect(made?.count).toBeGreaterThan(180);
  });
});

const SEALER = fileURLToPath(new URL('./storage/sealer.ts', import.meta.url));

describe('found are', () => {
  const COLUMNS: readonly (readonly [string, string])[] = [
    ['type', "'key.revoked'"],
    ['created_at', 'created_at + 1'],
    ['actor_type', "'member'"],
    ['actor_id', "'someone else'"],
    ['request_id', "'another'"],
    ['subject_type', "'owner'"],
    ['subject_id', "'another'"],
    ['id', "'another'"],
    ['owner_id', 'NULL'],
    ['former_owner_id', "'another'"],
    ['actor_owner_id', "'another'"],
    ['workspace_id', 'NULL'],
    ['payload_digest', "'another'"],
    ['payload_digest', 'NULL'],
    ['address_digest', 'NULL'],
    ['mac', "'another'"],
  ];
  test.each(COLUMNS)('an event whose %s was edited to %s', async (column, value) => {
    await sealed();
    tamper(`UPDATE events SET ${column} = ${value} WHERE chain <> 'instance' AND number = 5`);
    expect(faults()).toEqual(['W 5: it is not what was sealed here: edited, moved, or put in']);
  });

  test.each(['before', 'after'])('an edited %s, and one that was taken away', async (column) => {
    await sealed();
    const edited = ['W 5: its payload (before, after) was edited'];
    tamper(
      `UPDATE events SET "${column}" = '{"name":"x"}' WHERE chain <> 'instance' AND number = 5`,
    );
    expect(faults()).toEqual(edited);
    tamper(
      `UPDATE events SET "before" = NULL, "after" = NULL WHERE chain <> 'instance' AND number = 5`,
    );
    expect(faults()).toEqual(edited);
  });

  test('a payload taken away as if it had been erased', async () => {
    await sealed();
    tamper(
      `UPDATE events SET "before" = NULL, "after" = NULL, payload_salt = NULL, erased_at = 1 WHERE chain <> 'instance' AND number = 5`,
    );
    expect(faults()).toEqual([
      'W 5: its personal data was removed, and no owner that it tells of was erased',
    ]);
  });

  test('an edited address', async () => {
    await sealed();
    tamper(`UPDATE events SET address = '203.0.113.9' WHERE chain <> 'instance' AND number = 5`);
    expect(faults()).toEqual(['W 5: its address was edited']);
  });

  test('an event deleted from the middle', async () => {
    await sealed();
    tamper(`DELETE FROM events WHERE chain <> 'instance' AND number IN (4, 5)`);
    expect(faults()).toEqual(['W 6: events 4 to 5 are missing before it: deleted, or moved']);
  });

  test('the first events deleted, also as if they had been pruned', async () => {
    const workspace = await sealed();
    const [third] = rows<{ mac: string }>(
      'SELECT mac FROM events WHERE chain = ? AND number = 3',
      workspace,
    );
    tamper('DELETE FROM events WHERE chain = ? AND number <= 3', workspace);
    expect(faults()).toEqual(['W 4: events 1 to 3 are missing before it: deleted, or moved']);
    tamper(
      `UPDATE chains SET base_number = 3, base_mac = ?, base_seal = mac WHERE name = ?`,
      third?.mac,
      workspace,
    );
    expect(faults()).toEqual([
      'W 3: what was removed before the next one was not pruned by Warder',
    ]);
  });

  test('the last events deleted, and, with a head noted elsewhere, a head set back as well', async () => {
    const workspace = await sealed();
    const noted = heads();
    const [{ count } = { count: 0 }] = rows<{ count: number }>(
      'SELECT count(*) AS count FROM events WHERE chain = ?',
      workspace,
    );
    tamper('DELETE FROM events WHERE chain = ? AND number > ?', workspace, count - 2);
    const gone = `W ${count - 1}: it and what follows up to ${count} are missing: deleted`;
    expect(faults()).toEqual([gone]);
    tamper(
      'UPDATE chains SET (number, mac) = (SELECT number, mac FROM events WHERE chain = name ORDER BY number DESC LIMIT 1) WHERE name = ?',
      workspace,
    );
    expect(faults()).toEqual([]);
    expect(faults(noted)).toEqual([
      `W ${count - 1}: the chain was cut off: a head noted elsewhere says ${count}`,
    ]);
  });

  test('a whole chain that lost its head', async () => {
    const workspace = await sealed();
    tamper('DELETE FROM chains WHERE name = ?', workspace);
    expect(faults()[0]).toMatch(/^W \d+: the chain goes on behind its head, which says 0/);
  });

  test('two events that changed places, and two numbers that did', async () => {
    const workspace = await sealed();
    const swap = (columns: readonly string[]) => {
      const database = new Database(service.file);
      const read = database.prepare('SELECT * FROM events WHERE chain = ? AND number = ?');
      const [one, two] = [4, 5].map((number) => read.get(workspace, number)) as Record<
        string,
        unknown
      >[];
      const set = columns.map((column) => `"${column}" = ?`).join(', ');
      const write = database.prepare(`UPDATE events SET ${set} WHERE id = ?`);
      const park = database.prepare('UPDATE events SET number = -1 WHERE id = ?');
      park.run(one?.id);
      write.run(...columns.map((column) => one?.[column]), two?.id);
      write.run(...columns.map((column) => two?.[column]), one?.id);
      database.close();
    };
    const misplaced = ['W 4: it is not what was sealed here: edited, moved, or put in'];
    swap(['number']);
    expect(faults()).toEqual(misplaced);
    swap(['number']);
    expect(faults()).toEqual([]);
    swap(['number', 'mac']);
    expect(faults()).toEqual(misplaced);
  });

  test('an event that was put in, with a number of its own or another one’s', async () => {
    const workspace = await sealed();
    const [top] = rows<{ number: number }>(
      'SELECT max(number) AS number FROM events WHERE chain = ?',
      workspace,
    );
    const columns =
      'workspace_id, type, created_at, actor_type, actor_id, subject_type, subject_id, chain, mac';
    const put = (position: number, number: number) =>
      tamper(
        `INSERT INTO events (position, id, number, ${columns}) SELECT ?, 'forged', ?, ${columns} FROM events WHERE chain = ? AND number = 5`,
        position,
        number,
        workspace,
      );
    put(1, (top?.number ?? 0) + 1);
    expect(faults()).toHaveLength(1);
    tamper("DELETE FROM events WHERE id = 'forged'");
    tamper('DROP INDEX events_sealed');
    put(Number.MAX_SAFE_INTEGER, 5);
    expect(faults()).toHaveLength(1);
    expect(faults()[0]).toMatch(/^W [56]: /);
  });

  test('an event edited with every MAC made anew by somebody without the secret', async () => {
    const workspace = await sealed();
    const forger = createHost({ secret: new Uint8Array(32).fill(9) });
    const database = new Database(service.file);
    const all = database
      .prepare('SELECT id, mac FROM events WHERE chain = ? AND number >= 5')
      .all(workspace) as { id: string; mac: string }[];
    const write = database.prepare('UPDATE events SET mac = ? WHERE id = ?');
    database
      .prepare(`UPDATE events SET type = 'key.revoked' WHERE chain = ? AND number = 5`)
      .run(workspace);
    for (const { id, mac } of all) write.run(forger.authenticate('event seal', mac), id);
    database
      .prepare(
        'UPDATE chains SET mac = (SELECT mac FROM events WHERE chain = name AND number = chains.number) WHERE name = ?',
      )
      .run(workspace);
    database.close();
    expect(faults()).toEqual(['W 5: it is not what was sealed here: edited, moved, or put in']);
  });

  test('a chain that was made anew and is as long as the head that was noted', async () => {
    const workspace = await sealed();
    const noted = heads();
    const [head] = noted[workspace] ?? [];
    const other = { number: head?.number ?? 0, mac: 'another' };
    expect(faults({ [workspace]: [other] })).toEqual([
      `W ${head?.number}: it is not the event of the head that was noted elsewhere`,
    ]);
    expect(faults(noted)).toEqual([]);
    await service.create({});
    await sealAll();
    expect(faults(noted)).toEqual([]);
  });
});

describe('pruning', () => {
  test('removes what is older from the beginning of each chain, and the rest still holds', async () => {
    const workspace = await sealed(150);
    const noted = heads();
    const before = await service.events();
    service.clock.at += 1_000;
    await service.create({ name: 'later' });
    await service.create({ name: 'not sealed' });
    expect(await service.owner.pruneEvents(0)).toBe(0);
    let steps = 0;
    for (let done = 1; done > 0; steps++) {
      done = await service.owner.pruneEvents(service.clock.at);
      expect(done).toBeLessThanOrEqual(100);
    }
    expect(steps).toBeGreaterThan(3);
    expect(faults()).toEqual([]);
    expect(faults(noted)).toEqual([]);
    const left = await service.events();
    expect(left).toHaveLength(2);
    await sealAll();
    const [report] = check().filter(({ chain }) => chain === workspace);
    const older = before.filter((one) => one.workspaceId === workspace).length;
    expect(report).toMatchObject({ base: older, head: older + 2, events: 2, fault: null });
    expect(faults(noted)).toEqual([]);

    tamper('DELETE FROM events WHERE chain = ? AND number = ?', workspace, older + 1);
    expect(faults()).toHaveLength(1);
  });

  test('never removes an event that is not sealed', async () => {
    service = await startService();
    service.clock.at += 1_000;
    expect(await service.owner.pruneEvents(service.clock.at)).toBe(0);
    await sealAll();
    while ((await service.owner.pruneEvents(service.clock.at)) > 0);
    expect(await service.events()).toEqual([]);
    expect(faults()).toEqual([]);
  });
});
