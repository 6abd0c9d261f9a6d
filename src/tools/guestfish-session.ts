import { Iso2RootfsError } from '../errors.js';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

const MARKER = 'iso2rootfs: done';

/**
 * A guestfish that is told one command after the other, so that what one answers decides about the next. It ends itself at the first
 * command that fails, and says why: wait for {@link program}'s `done` to learn it.
 *
 * guestfish buffers its own output, so each command's goes through cat(1), which ends with it.
 */
export class GuestfishSession {
  readonly #lines: string[] = [];
  #partial = '';
  #wake: () => void = () => undefined;
  #hasEnded = false;

  private constructor(readonly program: RunningProgram) {
    program.stdout?.on('data', (chunk: Buffer) => {
      const lines = (this.#partial + chunk.toString('latin1')).split('\n');
      this.#partial = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake();
    });
    const end = (): void => {
      this.#hasEnded = true;
      this.#wake();
    };
    void program.done.then(end, end);
  }

  static async start(tools: Toolbox): Promise<GuestfishSession> {
    const program = await tools.start('guestfish', [], {
      stdin: 'pipe',
      stdout: 'stream',
      reason: 'read the files of the installed disk',
      hint: "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.",
    });
    return new GuestfishSession(program);
  }

  /** Sends a command without waiting for its end. */
  send(words: readonly string[], options: { readonly mayFail?: boolean } = {}): void {
    const [command = '', ...rest] = words;
    const line = [command, ...rest.map(quoteWord)].join(' ');
    this.program.stdin?.write(`${options.mayFail === true ? '-' : ''}${line} | cat\n`);
  }

  /** Waits for the end of all commands before it; gives the lines that they printed, their bytes as latin1. */
  async answer(): Promise<string[]> {
    this.program.stdin?.write(`echo ${quoteWord(MARKER)} | cat\n`);
    for (;;) {
      const end = this.#lines.indexOf(MARKER);
      if (end >= 0) return this.#lines.splice(0, end + 1).slice(0, -1);
      if (this.#hasEnded) {
        await this.program.done;
        throw new Iso2RootfsError('INTERNAL', 'guestfish has ended before it was told to');
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async ask(words: readonly string[], options: { readonly mayFail?: boolean } = {}): Promise<string[]> {
    this.send(words, options);
    return this.answer();
  }

  /** No more commands: it ends the appliance and itself. */
  end(): void {
    this.program.stdin?.end();
  }
}

/** guestfish(1), QUOTING: in double quotes a backslash begins what C knows, and nothing else is special. Bytes as latin1. */
export function quoteWord(word: string): string {
  if (/^[\w/.,:=@%+-]+$/.test(word) && !word.startsWith('-')) return word;
  const escaped = Array.from(Buffer.from(word, 'utf8'), (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  return `"${escaped.join('')}"`;
}
