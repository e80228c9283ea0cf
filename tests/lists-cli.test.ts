// `warder keys list` and its sisters as people run them: filters, orders, and all pages.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, newFolder, run, serve } from './fixtures/program.ts';

test('lists are filtered, sorted, counted and shown whole', async () => {
  const cwd = newFolder();
  const { url } = await serve(cwd);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const settings = { metadata_filters: ['plan'] };
  const made = await call(url, key, 'POST', '/v1/workspaces', { name: 'Acme', settings });
  const workspace = String(made.body.id);
  for (const [i, name] of ['Beta', 'Ähre', 'Gamma', 'Delta', 'Zeta'].entries()) {
    await call(url, key, 'POST', '/v1/keys', {
      workspace_id: workspace,
      name,
      owner_id: `owner ${i}`,
      metadata: { plan: i % 2 === 0 ? 'gold' : 5 },
    });
  }
  const list = async (noun: string, ...args: string[]) => {
    const ended = await run([noun, 'list', '--url', url, ...args], { cwd });
    expect(ended).toMatchObject({ code: 0 });
    return ended;
  };
  const names = async (...args: string[]) => {
    const { stdout } = await list('keys', '--json', '--all', '--workspace', workspace, ...args);
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  };
  expect(await names('--sort', 'name', '--limit', '2')).toEqual(
    'Ähre Beta Delta Gamma Zeta'.split(' '),
  );
  expect(await names('--sort=-created_at')).toEqual('Zeta Delta Gamma Ähre Beta'.split(' '));
  expect(await names('--search', 'ETA')).toEqual(['Zeta', 'Beta']);
  expect(await names('--metadata', 'plan=gold', '--status', 'active,revoked')).toHaveLength(3);
  expect(await names('--metadata', '{"plan":5}', '--never-used')).toEqual(['Delta', 'Ähre']);
  expect(await names('--owner', 'nobody')).toEqual([]);

  const table = await list('keys', '--all', '--limit', '2', '--workspace', workspace);
  const lines = table.stdout.trim().split('\n');
  expect(lines).toHaveLength(6);
  expect(lines.filter((line) => line.startsWith('ID '))).toHaveLength(1);
  expect(table.stderr).toBe('');

  const page = await list('keys', '--limit', '2', '--total', '--workspace', workspace);
  expect(page.stderr).toMatch(/^5 in all\.\nMore follow: --after [\w-]+, or --all\.\n$/);
  const owners = await list('owners', '--search', 'OWNER 3', '--all');
  expect(owners.stdout.trim().split('\n')).toHaveLength(2);
  const workspaces = await list('workspaces', '--sort', 'created_at', '--all', '--json');
  expect((JSON.parse(workspaces.stdout) as { slug: string }[]).map(({ slug }) => slug)).toEqual([
    'default',
    'acme',
  ]);
  const refused = await run(['keys', 'list', '--url', url, '--search', 'ab'], { cwd });
  expect(refused).toMatchObject({ code: 1, stderr: 'search must have 3 to 200 characters\n' });
});
