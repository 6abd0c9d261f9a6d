import { Iso2RootfsError, toIso2RootfsError } from '../errors.js';
import type { Context } from './context.js';

/**
 * One step of a build: takes what is known so far, gives what it adds.
 *
 * `run` is a property, not a method: method parameters are bivariant, and a stage that wants what nobody has made would compile.
 */
export interface Stage<Input, Added> {
  readonly name: string;
  readonly run: (input: Input, context: Context) => Promise<Added>;
}

/** A stage that is loaded, with all that it needs, when its turn comes: most builds are hits in the cache and install nothing. */
export function lazyStage<Input, Added>(name: string, load: () => Promise<Stage<Input, Added>>): Stage<Input, Added> {
  return { name, run: async (input, context) => (await load()).run(input, context) };
}

/** Stages in execution order. The only place for abort checks, start and done events, timing, and naming the stage that failed. */
export class Pipeline<Input, Output> {
  private constructor(private readonly runAll: (input: Input, context: Context) => Promise<Output>) {}

  static from<Input>(): Pipeline<Input, Input> {
    return new Pipeline((input) => Promise.resolve(input));
  }

  stage<Added extends object>(next: Stage<Output, Added>): Pipeline<Input, Output & Added> {
    return new Pipeline(async (input, context) => {
      const build = await this.runAll(input, context);
      return { ...build, ...(await runStage(next, build, context)) };
    });
  }

  run(input: Input, context: Context): Promise<Output> {
    return this.runAll(input, context);
  }
}

async function runStage<Input, Added>(stage: Stage<Input, Added>, input: Input, context: Context): Promise<Added> {
  const { name } = stage;
  context.signal.throwIfAborted();
  const startedAt = performance.now();
  context.emit({ type: 'stage-start', stage: name });
  try {
    const added = await stage.run(input, { ...context, stage: name, tools: context.tools.forStage(name) });
    const elapsedMs = performance.now() - startedAt;
    context.timings.push({ stage: name, elapsedMs });
    context.emit({ type: 'stage-done', stage: name, elapsedMs });
    return added;
  } catch (error) {
    throw nameStage(error, name);
  }
}

/** The failure, with the stage that it belongs to unless it names one itself. */
export function nameStage(error: unknown, stage: string): Iso2RootfsError {
  const failure = toIso2RootfsError(error);
  failure.stage ??= stage;
  return failure;
}
