import { createWriteStream, type WriteStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

export const TAIL_LINES = 50;
const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;
const MAX_LINE_CHARACTERS = 64 * 1024;

export type LineListener = (line: string, stream: 'stdout' | 'stderr') => void;

interface StreamState {
  readonly decoder: StringDecoder;
  partial: string;
  /** The last chunk ended with a carriage return: a line feed that comes next belongs to it. */
  hadReturn: boolean;
}

const newStreamState = (): StreamState => ({ decoder: new StringDecoder('utf8'), partial: '', hadReturn: false });

/** Splits output into lines; writes them to a log file and keeps what errors and callers need. */
export class LineLog {
  readonly tail: string[] = [];
  readonly #file: WriteStream | undefined;
  readonly #streams = { stdout: newStreamState(), stderr: newStreamState() };
  readonly #collected: string[] = [];
  #collectedBytes = 0;

  constructor(
    logFile: string | undefined,
    command: string,
    private readonly onLine: LineListener | undefined,
  ) {
    if (logFile === undefined) return;
    this.#file = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    // A log that cannot be written (a full disk) must not hide the outcome of the program.
    this.#file.on('error', () => undefined);
    this.#file.write(`$ ${command}\n`);
  }

  collected(): string {
    return this.#collected.join('');
  }

  /** False when the log file is behind: read on {@link whenDrained}. */
  write(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    const text = this.#streams[stream].decoder.write(chunk);
    if (stream === 'stdout' && this.#collectedBytes < MAX_COLLECTED_BYTES) {
      this.#collected.push(text);
      this.#collectedBytes += chunk.length;
    }
    this.#split(stream, text);
    const file = this.#file;
    if (file === undefined || file.destroyed) return true;
    return file.write(chunk);
  }

  whenDrained(callback: () => void): void {
    const file = this.#file;
    if (file === undefined || file.destroyed) {
      callback();
      return;
    }
    const proceed = (): void => {
      file.off('drain', proceed);
      file.off('close', proceed);
      callback();
    };
    file.on('drain', proceed);
    file.on('close', proceed);
  }

  async close(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { partial, decoder } = this.#streams[stream];
      const rest = partial + decoder.end();
      if (rest !== '') this.#keep(stream, rest);
    }
    const file = this.#file;
    if (file === undefined || file.destroyed) return;
    await new Promise<void>((resolve) => {
      file.once('close', resolve);
      file.end();
    });
  }

  #split(stream: 'stdout' | 'stderr', text: string): void {
    if (text === '') return;
    const state = this.#streams[stream];
    const continued = state.hadReturn && text.startsWith('\n') ? text.slice(1) : text;
    state.hadReturn = text.endsWith('\r');
    const lines = (state.partial + continued).split(/\r\n|\n|\r/);
    state.partial = lines.pop() ?? '';
    if (state.partial.length > MAX_LINE_CHARACTERS) {
      lines.push(state.partial);
      state.partial = '';
    }
    for (const line of lines) this.#keep(stream, line);
  }

  #keep(stream: 'stdout' | 'stderr', line: string): void {
    this.tail.push(line);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
    this.onLine?.(line, stream);
  }
}
