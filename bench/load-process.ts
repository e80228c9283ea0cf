// Starts verify-load.ts and ends it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadReport } from './verify-load.ts';

const PROGRAM = fileURLToPath(new URL('verify-load.ts', import.meta.url));

export interface Load {
  /** Answers what came of it. @throws where none was answered */
  stop(): Promise<LoadReport>;
}

export function startLoad(plan: LoadPlan): Load {
  const words = [...process.execArgv, PROGRAM, JSON.stringify(plan)];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'close');
  return {
    async stop() {
      child.stdin.end();
      await ended;
      const report: LoadReport = JSON.parse(said);
      if (report.answered === 0) throw new Error(`nothing was answered: ${report.failure}`);
      return report;
    },
  };
}
