import path from 'node:path';
import { formatCommand, run, start, type RunOptions, type RunResult, type RunningProgram } from './run.js';

/** A program that a build ran, for the manifest. */
export interface CommandRecord {
  readonly stage: string;
  /** Quoted for a POSIX shell. */
  readonly command: string;
}

export interface ToolboxOptions {
  /** Where the logs go: `<NN>-<stage>-<tool>.log`. */
  readonly logDirectory: string;
  readonly signal?: AbortSignal;
  /** Directory that is looked into before PATH. */
  readonly toolsPath?: string | undefined;
  /** Set for every program: the libguestfs backend, the build's id (by which orphans of a dead build are found). */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How the stages of one build run programs: same signal, same environment, numbered logs, and a record of every command. */
export class Toolbox {
  readonly commands: CommandRecord[];
  readonly #options: ToolboxOptions;
  readonly #stage: string;

  constructor(options: ToolboxOptions, stage = 'build', commands: CommandRecord[] = []) {
    this.#options = options;
    this.#stage = stage;
    this.commands = commands;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  get logDirectory(): string {
    return this.#options.logDirectory;
  }

  get toolsPath(): string | undefined {
    return this.#options.toolsPath;
  }

  /** The same tools, whose logs carry the name of a stage. */
  forStage(stage: string): Toolbox {
    return new Toolbox(this.#options, stage, this.commands);
  }

  /** The same tools, with more in their environment. */
  withEnvironment(environment: Readonly<Record<string, string>>): Toolbox {
    return new Toolbox(
      { ...this.#options, environment: { ...this.#options.environment, ...environment } },
      this.#stage,
      this.commands,
    );
  }

  /** The same tools, not ended by the build's signal: for cleaning up. */
  forCleanUp(): Toolbox {
    const { signal, ...rest } = this.#options;
    return new Toolbox(rest, 'clean-up', this.commands);
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(program, args, this.#complete(program, args, options));
  }

  async start(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunningProgram> {
    return start(program, args, this.#complete(program, args, options));
  }

  /** Runs a program that only asks (a state, a version): not recorded, not logged. */
  async query(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(program, args, { signal: this.#options.signal, ...options, env: this.#environment(options.env) });
  }

  #environment(extra: RunOptions['env']): Record<string, string> {
    const { toolsPath, environment } = this.#options;
    return {
      ...(toolsPath === undefined ? {} : { PATH: `${toolsPath}:${process.env['PATH'] ?? ''}` }),
      ...environment,
      ...extra,
    };
  }

  #complete(program: string, args: readonly string[], options: RunOptions): RunOptions {
    this.commands.push({ stage: this.#stage, command: formatCommand(program, args) });
    const number = String(this.commands.length).padStart(2, '0');
    return {
      signal: this.#options.signal,
      logFile: path.join(this.#options.logDirectory, `${number}-${this.#stage}-${path.basename(program)}.log`),
      ...options,
      env: this.#environment(options.env),
    };
  }
}
