/**
 * Writes docs/settings.md from the table of settings, which the parser and `--help` are made of too.
 */

/** @param {Readonly<Record<string, import('../packages/cli/src/settings.ts').Setting>>} settings @returns {string} */
export function settingsPage(settings) {
  const all = Object.values(settings).filter(({ audience }) => audience.includes('serve'));
  const rows = all.map(({ flag, variable, default: byDefault, meaning, secret }) => {
    const name = flag === undefined ? '' : code(flag);
    const value = byDefault === undefined ? '' : code(byDefault);
    const variables = secret ? `${code(variable)}, ${code(`${variable}_FILE`)}` : code(variable);
    return `| ${name} | ${variables} | ${value} | ${cell(meaning)} |`;
  });
  return [
    '<!-- Generated from packages/cli/src/settings.ts by `npm run generate`. Do not edit. -->',
    '',
    '# Settings',
    '',
    'Of `warder serve`. A flag counts before a variable, a variable before a default. A secret is given by a variable, or by a file that the variable with `_FILE` behind it names. `warder config` shows every value and where it came from.',
    '',
    '| Flag | Variable | Default | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** @param {string} text */
function code(text) {
  return `\`${cell(text)}\``;
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|');
}
