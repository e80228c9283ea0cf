// What the doctor says of ordinary keys that manage and of shared credentials, over
// invented kinds and a real database.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine } from '@warder/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ACORN_FORMAT, acornKind, plainKind } from '../../../../../tests/fixtures/dialect.ts';
import { type Service, startService } from '../../../../../tests/fixtures/service.ts';
import type { Flags } from '../../config.ts';
import { SETTINGS } from '../../settings.ts';
import { dialectChecks } from './dialects.ts';

const KINDS = [acornKind, plainKind];
const SECRET = 'canary-'.repeat(8);
let folder: string;
let service: Service;

beforeEach(async () => {
  for (const { variable } of Object.values(SETTINGS)) {
    vi.stubEnv(variable, undefined);
    vi.stubEnv(`${variable}_FILE`, undefined);
  }
  folder = mkdtempSync(join(tmpdir(), 'warder-checks-'));
  service = await startService();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service.close();
  rmSync(folder, { recursive: true });
});

const findingOf = (name: string, flags: Flags = {}) => {
  const store = examine(service.file);
  const { file, clock } = service;
  const patient = { data: folder, file, now: clock.at, host: service.host, store, flags };
  try {
    const check = dialectChecks(patient, KINDS).find((one) => one.name === name);
    return check?.look() ?? expect.unreachable(`there is no check ${name}`);
  } finally {
    store.close();
  }
};

describe('ordinary keys that manage', () => {
  const finding = (flags: Flags = {}) => findingOf('ordinary keys that manage', flags);
  const create = (workspaceId: string, differing: object = {}) =>
    service.create({ workspaceId, format: ACORN_FORMAT, ...differing });

  it('are told of by workspace, with their risk and how to end it', async () => {
    const { id, slug } = await service.workspace();
    await create(id);
    expect(finding()).toEqual({
      level: 'warn',
      found: `In ${id} (${slug}) ordinary keys of the format acorn may manage keys: whoever finds a leaked one can make and revoke others.`,
      advice: `Where no client needs that, run \`warder workspaces update ${id} --no-ordinary-keys-manage\`, and so for each.`,
    });
    await service.owner.updateWorkspace(id, { settings: { ordinaryKeysManage: false } });
    expect(finding().level).toBe('ok');
  });

  it('are not there where none is good, of such a format, or served', async () => {
    const { id } = await service.workspace();
    await service.create({ workspaceId: id });
    const { key: revoked } = await create(id);
    await service.owner.revokeKey(revoked.id);
    const { key: erased } = await create(id);
    await service.owner.eraseKey(erased.id);
    await create(id, { enabled: false });
    await create(id, { expiresAt: service.clock.at + 5 });
    await create(id, { kind: 'management', permissions: ['keys:read'] });
    service.clock.at += 5;
    expect(finding()).toEqual({
      level: 'ok',
      found: 'No ordinary key that is good may manage keys.',
      advice: null,
    });
    await create(id);
    expect(finding().level).toBe('warn');
    expect(finding({ dialects: 'none' }).level).toBe('ok');
  });

  it('are told of for five workspaces, and that there are more', async () => {
    for (let i = 0; i < 6; i++) await create((await service.workspace()).id);
    const { found } = finding();
    expect(found.match(/\(workspace-\d+\)/g)).toHaveLength(5);
    expect(found).toContain(', ... ordinary keys');
  });
});

describe('shared credentials', () => {
  const finding = (text: string, mode = 0o600) => {
    const file = join(folder, 'shared');
    writeFileSync(file, text);
    chmodSync(file, mode);
    const found = findingOf('shared credentials', { sharedCredentials: file });
    expect(JSON.stringify(found)).not.toContain('canary');
    return found;
  };
  const row = (workspace: string, label = 'a') => ({
    surface: 'acorn',
    label,
    secret: SECRET,
    workspaces: [workspace],
  });

  it('are none, or for workspaces that are there, by id or slug', async () => {
    expect(findingOf('shared credentials').found).toBe('None are set.');
    const { id } = await service.workspace();
    const rows = [row('default'), row(id, 'b')];
    expect(finding(JSON.stringify(rows))).toMatchObject({
      level: 'ok',
      found: '2 are set, for workspaces that are there.',
    });
  });

  it('in a file that others may read are a fault, with how to mend it', () => {
    const file = join(folder, 'shared');
    expect(finding('[]', 0o640)).toEqual({
      level: 'fail',
      found: `Others than its owner may use ${file}.`,
      advice: `Run \`chmod 600 ${file}\`.`,
    });
  });

  it('for workspaces that are not there, deleted or suspended are told of', async () => {
    const suspended = await service.workspace();
    await service.owner.suspendWorkspace(suspended.id);
    const deleted = await service.workspace();
    await service.owner.deleteWorkspace(deleted.id);
    for (const workspace of ['none-such', suspended.slug, suspended.id, deleted.slug, deleted.id]) {
      expect(finding(JSON.stringify([row('default', 'b'), row(workspace)]))).toMatchObject({
        level: 'warn',
        found: `Some are for workspaces that are not there or are suspended: acorn a: ${workspace}.`,
      });
    }
  });

  it('that no start takes are a fault, and so are dialects that there are not', () => {
    const short = [{ ...row('default'), secret: 'canary' }];
    expect(finding(JSON.stringify(short))).toMatchObject({
      level: 'fail',
      found: expect.stringMatching(/shared row 1: its secret must have 32 characters at least/),
    });
    expect(finding('canary').level).toBe('fail');
    const gone = findingOf('shared credentials', { sharedCredentials: join(folder, 'gone') });
    expect(gone.level).toBe('fail');
    const none = findingOf('ordinary keys that manage', { dialects: 'pine' });
    expect(none.found).toMatch(/^--dialects names pine, which is no dialect/);
  });
});
