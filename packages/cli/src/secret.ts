// Keys on their way in: from standard input, a file or a hidden prompt, never from
// the command line, where the shell's history and every process could read them.

import { readFileSync } from 'node:fs';
import { Failure, usage } from './failure.ts';
import { oneWord } from './parse.ts';

/** What looks like a key of Warder's own form, also mistyped or within other text. Ids are shorter. */
const KEY_FORM = /[a-z][a-z0-9]{0,10}_(?:live|test)_[0-9A-Za-z]{38,}/g;
const LONGEST = 64 * 1024;

/** Keys in a text replaced: the last step of errors and notes. */
export function withoutKeys(text: string): string {
  return text.replace(KEY_FORM, '<a key>');
}

/** Refuses a command line that holds a key, before anything could repeat it. */
export function refuseKeys(argv: readonly string[]): void {
  if (argv.every((word) => withoutKeys(word) === word)) return;
  throw usage(
    'A key stands on the command line, where the shell history and other processes can read it: revoke it if it matters. Pass the key to judge on standard input or by --from-file FILE, and your own by --key-file FILE, WARDER_KEY or WARDER_KEY_FILE.',
  );
}

/** The key to judge: from the file, else from standard input, asked for where that is a terminal. */
export async function readKey(file: string | undefined): Promise<string> {
  const [text, from] =
    file !== undefined
      ? [textOf(file), `The file ${file}`]
      : process.stdin.isTTY
        ? [await promptHidden('The key to judge (it is not shown): '), 'The answer']
        : [await readStandardInput(), 'Standard input'];
  try {
    return oneWord(text);
  } catch (error) {
    throw usage(`${from} ${error instanceof Error ? error.message : 'cannot be read'}.`);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw usage(`The file ${file} cannot be read${code}.`);
  }
}

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > LONGEST) throw usage('Standard input is too long to be a key.');
  }
  return text;
}

const CTRL_C = '\u0003';
/** Also Ctrl-D. */
const ENTER = ['\r', '\n', '\u0004'];
const BACKSPACE = ['\b', '\u007f'];

/** One line from the terminal, without showing it. Ctrl-C interrupts. */
function promptHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  // First, so that nothing typed in answer is ever echoed.
  stdin.setEncoding('utf8').setRawMode(true).resume();
  stderr.write(question);
  return new Promise((resolve, reject) => {
    let line = '';
    const end = (finish: () => void) => {
      stdin.setRawMode(false).pause();
      stdin.off('data', onData);
      stderr.write('\n');
      finish();
    };
    const onData = (typed: string) => {
      for (const character of typed) {
        if (character === CTRL_C) {
          return end(() => reject(new Failure('interrupted', 'Interrupted.', 130)));
        }
        if (ENTER.includes(character)) return end(() => resolve(line));
        line = BACKSPACE.includes(character) ? line.slice(0, -1) : line + character;
      }
    };
    stdin.on('data', onData);
  });
}
