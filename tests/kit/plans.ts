// What PostgreSQL does for the queries of a list: the plans it makes, and how many rows
// they visit.

import type postgres from 'postgres';
import { expect } from 'vitest';
import type { Listing, ListQuery } from '../../packages/server/src/slices.ts';
import type { Query } from '../../packages/server/src/storage.ts';

/** A node of a plan, as far as it is looked at here. */
export interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

/** Whether the plan is made for the values at hand, or once for all. */
export const MODES = ['force_custom_plan', 'force_generic_plan'] as const;
export type Mode = (typeof MODES)[number];

async function nodesOf(
  client: postgres.Sql,
  { sql, parameters }: Query,
  mode: Mode,
): Promise<readonly Plan[]> {
  const values = parameters.map((one) =>
    typeof one === 'string' ? `'${one.replaceAll("'", "''")}'` : `${one}`,
  );
  const given = values.length === 0 ? '' : `(${values.join(', ')})`;
  await client.unsafe(`SET plan_cache_mode = ${mode}`);
  await client.unsafe(`PREPARE asked AS ${sql}`);
  const [row] = await client.unsafe<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(
    `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked ${given}`,
  );
  await client.unsafe('DEALLOCATE asked');
  const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];
  return row === undefined ? [] : flat(row['QUERY PLAN'][0].Plan);
}

/** The plans of those queries of a list that are asked, each with what it is found by. */
export async function asked(client: postgres.Sql, { queries }: Listing<unknown>, mode: Mode) {
  const plans: { readonly query: ListQuery; readonly nodes: readonly Plan[] }[] = [];
  const counts: number[] = [];
  for (const query of queries) {
    const holds = (query.onlyIf ?? []).every(
      (one) => (counts[one.query] ?? 0) < one.fewerThan === one.holds,
    );
    const nodes = holds ? await nodesOf(client, query, mode) : [];
    counts.push(nodes[0]?.['Actual Rows'] ?? 0);
    if (holds && query.sql !== 'select 1 where false') plans.push({ query, nodes });
  }
  return plans;
}

const LOOKED_UP = ['key_usage', 'balances'];

/** What walks: not what looks up one row by its position. */
export function walking(nodes: readonly Plan[]): readonly Plan[] {
  return nodes.filter(
    ({ 'Relation Name': name = '', 'Index Name': index }) =>
      name !== '' && !LOOKED_UP.includes(name) && index !== 'keys_pkey',
  );
}

export function visits(nodes: readonly Plan[]): number {
  const each = walking(nodes).map((node) => {
    const passed =
      (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    return (node['Actual Rows'] + passed) * node['Actual Loops'];
  });
  return each.reduce((sum, one) => sum + one, 0);
}

/** That a page is read from one index in its order, and entered where the page begins. */
export function expectOneIndex(nodes: readonly Plan[], index: string | RegExp, most = 51): void {
  const [walk, ...others] = walking(nodes);
  expect(others).toEqual([]);
  expect(walk?.['Node Type']).toMatch(/^Index (Only )?Scan$/);
  expect(walk?.['Index Name']).toMatch(index);
  expect(walk?.['Index Cond']).toMatch(/"?position"? ?[<>]|, "position"\) [<>]/);
  expect(nodes.map((node) => node['Node Type'])).not.toContain('Sort');
  expect(visits(nodes)).toBeLessThanOrEqual(most);
}
