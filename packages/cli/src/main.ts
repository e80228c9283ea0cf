#!/usr/bin/env node
// The program `warder`. It says so in one sentence where Node is too old, which
// only works while nothing else is loaded yet.

const OLDEST = '22.18.0';

if (process.versions.node.localeCompare(OLDEST, 'en', { numeric: true }) < 0) {
  console.error(
    `Warder needs Node ${OLDEST} or later (this is ${process.version}): install Node 24.`,
  );
  process.exitCode = 1;
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
