// What the shells complete: every command, flag and choice of the program, read
// off the program itself, as a script for bash, zsh or fish. The script asks
// nobody: it is made anew with each version.

import type { Command, Option } from 'commander';
import type { AddCommand } from './command.ts';

/** A command as a shell must know it. */
interface Place {
  /** From the program on, as `warder keys list`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly meaning: string }[];
  readonly flags: readonly Flag[];
  /** Whether its first operand is a file. */
  readonly file: boolean;
}

interface Flag {
  readonly names: readonly string[];
  readonly meaning: string;
  /** What follows it: words, a file, any text, or nothing. */
  readonly value: Words | 'file' | 'text' | null;
}

/** One of these, or a list of them with commas. */
interface Words {
  readonly words: readonly string[];
  readonly list: boolean;
}

export const addCompletion: AddCommand = (program, output) => {
  const command = program
    .command('completion')
    .description('the script that has a shell complete commands and flags');
  for (const [shell, script] of Object.entries(SCRIPTS)) {
    command
      .command(shell)
      .description(`for ${shell}`)
      .action(() => {
        const text = script(placesIn(program, program.name()));
        output.data({ shell, script: text }, text.trimEnd());
      });
  }
};

function placesIn(command: Command, path: string): Place[] {
  const help = command.createHelp();
  help.showGlobalOptions = true;
  const subcommands = help.visibleCommands(command);
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
  const flags = new Map(options.map((option) => [option.flags, flagOf(option)]));
  const place = {
    path,
    commands: subcommands.map((one) => ({ name: one.name(), meaning: one.description() })),
    flags: [...flags.values()],
    file: command.registeredArguments[0]?.name() === 'file',
  };
  return [place, ...subcommands.flatMap((one) => placesIn(one, `${path} ${one.name()}`))];
}

function flagOf(option: Option): Flag {
  const takes = option.required || option.optional;
  const isPath = /<(file|dir)>$/.test(option.flags);
  const words = option.argChoices && {
    words: option.argChoices,
    list: option.flags.endsWith('<list>'),
  };
  return {
    names: [option.short, option.long].filter((name) => name !== undefined && name !== null),
    meaning: option.description,
    value: takes ? (words ?? (isPath ? 'file' : 'text')) : null,
  };
}

function bash(places: readonly Place[]): string {
  return `# Completion of warder for bash. In ~/.bashrc: eval "$(warder completion bash)"
_warder() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at=warder words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
    ${alternatives(deeper(places))}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $prev" in
${valueCases(places, {
  words: ({ words, list }) => {
    const among = `-W ${quoted(words.join(' '))}`;
    const last = list
      ? `-P "\${cur%"\${cur##*,}"}" ${among} -- "\${cur##*,}"`
      : `${among} -- "$cur"`;
    return `mapfile -t COMPREPLY < <(compgen ${last})`;
  },
  file: 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
  text: 'COMPREPLY=()',
})}
  esac
  case "$at" in
${places.map((place) => `  ${quoted(place.path)}) words=${quoted(wordsOf(place).join(' '))} ;;`).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  case "$at" in
  ${alternatives(withFile(places))}) [[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  esac
}
complete -o filenames -F _warder warder
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef warder
# Completion of warder for zsh. In ~/.zshrc, after compinit: eval "$(warder completion zsh)"
_warder() {
  local at=warder word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
    ${alternatives(deeper(places))}) at="$at $word" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${valueCases(places, {
  words: ({ words, list }) =>
    `${list ? "compset -P '*,'; " : ''}compadd -- ${words.map(quoted).join(' ')}`,
  file: '_files',
  text: ':',
})}
  esac
  case "$at" in
${places.map((place) => `  ${quoted(place.path)}) compadd -- ${wordsOf(place).map(quoted).join(' ')} ;;`).join('\n')}
  esac
  case "$at" in
  ${alternatives(withFile(places))}) _files ;;
  esac
}
compdef _warder warder
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, flags, file }) => {
    const at = `complete -c warder -n '__warder_at "${path}"'`;
    return [
      ...commands.map(({ name, meaning }) => `${at} -f -a ${name} -d ${escaped(meaning)}`),
      ...flags.map(({ names, meaning, value }) => {
        const spelt = names.map((name) =>
          /^--/.test(name) ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        return `${at} ${spelt.join(' ')}${fishValue(value)} -d ${escaped(meaning)}`;
      }),
      ...(file ? [`${at} -F`] : []),
    ];
  });
  return `# Completion of warder for fish. In ~/.config/fish/config.fish: warder completion fish | source
function __warder_at
    set -l at warder
    for word in (commandline -opc)[2..-1]
        if contains -- "$at $word" ${deeper(places).map(escaped).join(' ')}
            set at "$at $word"
        end
    end
    test "$at" = $argv[1]
end
function __warder_list
    set -l head (commandline -ct | string replace -r '[^,]*$' '')
    printf '%s\\n' $head$argv
end
complete -c warder -f
${lines.join('\n')}
`;
}

function fishValue(value: Flag['value']): string {
  if (value === null) return '';
  if (value === 'file') return ' -r -F';
  if (value === 'text') return ' -x';
  const words = value.words.join(' ');
  return ` -x -a ${escaped(value.list ? `(__warder_list ${words})` : words)}`;
}

const SCRIPTS = { bash, zsh, fish } as const;

function wordsOf({ commands, flags }: Place): string[] {
  return [...commands.map(({ name }) => name), ...flags.flatMap(({ names }) => names)];
}

function deeper(places: readonly Place[]): string[] {
  return places.slice(1).map(({ path }) => path);
}

function withFile(places: readonly Place[]): string[] {
  return places.filter(({ file }) => file).map(({ path }) => path);
}

/** What is done behind a flag that takes something: one case for each thing. */
function valueCases(
  places: readonly Place[],
  doing: { words: (words: Words) => string; file: string; text: string },
): string {
  const cases = new Map<string, string[]>();
  for (const { path, flags } of places) {
    for (const { names, value } of flags) {
      if (value === null) continue;
      const act =
        value === 'file' ? doing.file : value === 'text' ? doing.text : doing.words(value);
      cases.set(act, [...(cases.get(act) ?? []), ...names.map((name) => `${path} ${name}`)]);
    }
  }
  return Array.from(
    cases,
    ([act, flags]) => `  ${alternatives(flags)})\n    ${act}\n    return\n    ;;`,
  ).join('\n');
}

function alternatives(texts: readonly string[]): string {
  return texts.map(quoted).join(' | ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** As fish wants it. */
function escaped(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
