// What shells complete, asked of the shells themselves.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newFolder, PROGRAM, startAny } from './fixtures/program.ts';

const script = (shell: string) =>
  execFileSync(process.execPath, [...PROGRAM, 'completion', shell], { encoding: 'utf8' });
const scripts = { bash: script('bash'), zsh: script('zsh'), fish: script('fish') };

/** What is typed, and what must be offered for it and what must not. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', ['serve', 'keys', 'backup', 'restore', 'doctor', 'completion'], ['create', '--status']],
  ['ke', ['keys'], ['serve']],
  ['keys ', ['create', 'list', 'verify'], ['serve', '--status']],
  ['keys list --st', ['--status'], ['--data', '--reason']],
  ['keys list --environment ', ['live', 'test'], ['--owner', 'list']],
  ['keys list --status active --ki', ['--kind'], ['--status']],
  ['keys list --status ', ['active', 'revoked'], ['--owner']],
  ['keys list --status active,re', ['active,revoked'], ['revoked', 'active,expired']],
  ['keys revoke --re', ['--reason'], ['--status']],
  ['--json keys li', ['list'], ['keys']],
  ['keys create --kind m', ['management'], ['standard']],
  ['keys create --name ', [], ['--owner', 'standard', 'a file']],
  ['backup --out a', ['a file', 'another'], ['--out']],
  ['restore a', ['a file', 'another'], ['serve']],
  ['restore --rep', ['--replace'], ['--name']],
  ['completion ', ['bash', 'zsh', 'fish'], ['keys']],
];

function folderWithFiles(): string {
  const cwd = newFolder();
  for (const name of ['a file', 'another']) writeFileSync(join(cwd, name), '');
  return cwd;
}

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    // In CI it must be there: its test then fails aloud.
    return Boolean(process.env.CI);
  }
}

async function offered(shell: string, script: string, cwd: string): Promise<string[]> {
  const { stdout, stderr } = await startAny(shell, ['-c', script], { cwd }).ended;
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  test.each(CASES)('completes "warder %s"', async (typed, wanted, unwanted) => {
    const cwd = folderWithFiles();
    const words = ['warder', ...typed.split(' ')].map((word) => `'${word}'`).join(' ');
    const found = await offered(
      'bash',
      `${scripts.bash}
      [[ $(complete -p warder) == *'-F _warder warder' ]] || exit 1
      COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _warder; printf '%s\\n' "\${COMPREPLY[@]}"`,
      cwd,
    );
    expect(found).toEqual(expect.arrayContaining([...wanted]));
    for (const word of unwanted) expect(found).not.toContain(word);
  });
});

describe.runIf(isInstalled('fish'))('fish', () => {
  test.each(CASES)('completes "warder %s"', async (typed, wanted, unwanted) => {
    const cwd = folderWithFiles();
    const lines = await offered('fish', `${scripts.fish}\ncomplete -C 'warder ${typed}'`, cwd);
    const found = lines.map((line) => line.split('\t')[0]?.replaceAll('\\', ''));
    expect(found).toEqual(expect.arrayContaining([...wanted]));
    for (const word of unwanted) expect(found).not.toContain(word);
  });
});

describe.runIf(isInstalled('zsh'))('zsh', () => {
  test.each(CASES)('completes "warder %s"', async (typed, wanted, unwanted) => {
    const cwd = folderWithFiles();
    const words = ['warder', ...typed.split(' ')].map((word) => `'${word}'`).join(' ');
    // What the completion system would be told, by standing in for its three builtins.
    const all = await offered(
      'zsh',
      `compdef() { :; }
      head=
      compset() { head=\${words[CURRENT]%\${words[CURRENT]##*,}}; }
      compadd() { [[ $1 == -- ]] && shift; print -l -- $head\${^@}; }
      _files() { print -l -- *; }
      ${scripts.zsh}
      words=(${words}); CURRENT=$#words
      _warder`,
      cwd,
    );
    const found = all.filter((word) => word.startsWith(typed.split(' ').at(-1) ?? ''));
    expect(found).toEqual(expect.arrayContaining([...wanted]));
    for (const word of unwanted) expect(found).not.toContain(word);
  });
});
