// Verifications beside what is measured, so many a second on each of some services,
// from a process of its own. Ends when its standard input does, and then says how many
// were answered and how many failed.

import { Agent } from 'node:http';
import { exchange, type Over, paced } from './exchange.ts';

/** What it is given as JSON, its one argument. */
export interface LoadPlan {
  readonly urls: readonly string[];
  readonly key: string;
  readonly secrets: readonly string[];
  /** On each service, over so many connections. */
  readonly aSecond: number;
  readonly connections: number;
}

/** What it says in the end. */
export interface LoadReport {
  readonly answered: number;
  /** What the first that failed said; null where none did. */
  readonly failure: string | null;
  readonly failed: number;
  readonly seconds: number;
}

const [given = ''] = process.argv.slice(2);
const { urls, key, secrets, aSecond, connections }: LoadPlan = JSON.parse(given);
const agent = new Agent({ keepAlive: true });
const over: Over = { yes: false };
process.stdin.on('end', () => {
  over.yes = true;
});
process.stdin.resume();

let [answered, failed] = [0, 0];
let failure: string | null = null;
const verify = async (url: string) => {
  const secret = secrets[Math.floor(Math.random() * secrets.length)];
  try {
    const verdict = await exchange(agent, 'POST', `${url}/v1/keys/verify`, key, { key: secret });
    if (!verdict.includes('"valid":true')) throw new Error(verdict);
    answered++;
  } catch (error) {
    failed++;
    failure ??= `${error}`;
  }
};
const began = performance.now();
const each = Array.from({ length: connections }, () => urls).flat();
await Promise.all(
  each.map((url) => paced(over, (1000 * connections) / aSecond, () => verify(url))),
);
agent.destroy();
const seconds = (performance.now() - began) / 1000;
const report: LoadReport = { answered, failed, failure, seconds };
console.log(JSON.stringify(report));
