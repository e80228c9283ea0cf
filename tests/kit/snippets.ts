// The snippets of documentation pages, run as their readers run them: JavaScript by
// Node, curl by a shell, Python by python3. What they print is read as JSON.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a snippet is written for. */
export type Runner = 'fetch' | 'curl' | 'requests';

/** What is put in place of what stands on the page, and only where it stands once. */
export type Replacements = Readonly<Record<string, string>>;

/** A file of `tests/fixtures/seed-pages`, as it stands on the page. */
export function pageText(file: string): string {
  const path = new URL(`../fixtures/seed-pages/${file}.txt`, import.meta.url);
  return readFileSync(fileURLToPath(path), 'utf8');
}

export function pageReply(name: string): unknown {
  return JSON.parse(pageText(`${name}.reply`));
}

export const isThere: Readonly<Record<Runner, boolean>> = {
  fetch: true,
  curl: spawnSync('curl', ['--version']).status === 0,
  requests: spawnSync('python3', ['-c', 'import requests']).status === 0,
};

/**
 * Runs `name.runner` of the pages.
 * @param env variables that the page's reader has set
 */
export async function runSnippet(
  name: string,
  runner: Runner,
  replacements: Replacements,
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  let snippet = pageText(`${name}.${runner}`);
  for (const [there, here] of Object.entries(replacements)) {
    const parts = snippet.split(there);
    if (parts.length !== 2) throw new Error(`${there} stands ${parts.length - 1} times in ${name}`);
    snippet = parts.join(here);
  }
  const folder = mkdtempSync(join(tmpdir(), 'warder-snippet-'));
  try {
    const [command, ...args] = COMMANDS[runner](folder, snippet);
    const { PATH = '' } = process.env;
    const home = { PATH, HOME: folder, CURL_HOME: folder, NO_PROXY: '*' };
    const printed = await outputOf(command, args, { ...home, ...env });
    return JSON.parse(printed);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const COMMANDS: Readonly<
  Record<Runner, (folder: string, snippet: string) => readonly [string, ...string[]]>
> = {
  fetch: (folder, snippet) => {
    // Its console shows objects for people to read: their JSON is what is checked.
    writeFileSync(
      join(folder, 'console.mjs'),
      'console.log = (it) => console.info(JSON.stringify(it));',
    );
    writeFileSync(join(folder, 'snippet.mjs'), snippet);
    return [process.execPath, '--import', join(folder, 'console.mjs'), join(folder, 'snippet.mjs')];
  },
  curl: (folder, snippet) => {
    writeFileSync(join(folder, '.curlrc'), 'silent\nshow-error\nfail-with-body\n');
    return ['sh', '-c', snippet];
  },
  requests: (folder, snippet) => {
    writeFileSync(join(folder, 'snippet.py'), snippet);
    return ['python3', join(folder, 'snippet.py')];
  },
};

/** What a command prints. @throws where it fails, or prints nothing */
function outputOf(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env });
    let [printed, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0 && printed !== '') resolve(printed);
      else reject(new Error(`${command} ended with ${status}: ${errors} ${printed}`));
    });
  });
}
