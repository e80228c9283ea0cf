// `warder doctor`: whether all is well with the installation on this machine, and
// what to do where it is not. It only reads, also beside a running service.

import { existsSync } from 'node:fs';
import { createHost, examine } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { type Output, plain, table } from '../output.ts';
import type { Check, Finding } from './check.ts';
import { databaseChecks } from './checks/database.ts';
import { dialectChecks } from './checks/dialects.ts';
import { fileChecks } from './checks/files.ts';
import { keyChecks } from './checks/keys.ts';
import { storeChecks } from './checks/store.ts';
import { fileIn } from './database.ts';
import { refused, startFailure } from './installation.ts';
import { reportsOf, type TableReport, tablesOf, tablesText } from './table-report.ts';

export async function doctor(flags: Flags, output: Output): Promise<void> {
  const secret = readSetting('secret', flags);
  const peppers = readSetting('pepper', flags) ?? [];
  const host = secret === undefined ? null : createHost({ secret, peppers });
  const url = readSetting('database', flags);
  if (url !== undefined) {
    const { checks, found } = await databaseChecks(url, host);
    tell(checks, null, reportsOf(found?.installation?.tables ?? [], flags), output);
    return;
  }
  const data = readSetting('data', flags);
  const file = fileIn(flags);
  if (!existsSync(file)) {
    throw refused(`There is no database ${file}: name the folder it is in by --data.`);
  }
  const store = examine(file);
  try {
    const patient = { data, file, now: Date.now(), host, store, flags };
    const checks = [
      ...storeChecks(patient),
      ...keyChecks(patient),
      ...dialectChecks(patient),
      ...fileChecks(patient),
    ];
    tell(checks, file, tablesOf(patient), output);
  } finally {
    store.close();
  }
}

/** @param file the database, where it is one */
function tell(
  checks: readonly Check[],
  file: string | null,
  tables: readonly TableReport[],
  output: Output,
): void {
  const findings = checks.map((check) => ({ name: check.name, ...findingOf(check, file) }));
  const healthy = findings.every(({ level }) => level !== 'fail');
  const rows = findings.map(({ level, name, found }) => [level, name, found]);
  const advice = findings.flatMap(({ level, name, advice }) =>
    advice === null ? [] : [`${level} ${name}: ${plain(advice)}`],
  );
  output.data(
    { healthy, checks: findings, tables },
    [
      table(['', 'CHECK', 'FOUND'], rows),
      ...(tables.length > 0 ? ['', tablesText(tables)] : []),
      ...(advice.length > 0 ? ['', ...advice] : []),
    ].join('\n'),
  );
  if (!healthy) process.exitCode = 1;
}

/** A check that cannot even look has found a fault. */
function findingOf(check: Check, file: string | null): Finding {
  try {
    return check.look();
  } catch (error) {
    const failure = startFailure(error, file);
    const found = failure instanceof Error ? failure.message : String(failure);
    return { level: 'fail', found, advice: 'Put this right first.' };
  }
}
