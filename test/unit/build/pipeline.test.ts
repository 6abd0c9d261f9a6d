import { expect } from 'chai';
import type { Context } from '../../../src/build/context.js';
import { Pipeline, type Stage } from '../../../src/build/pipeline.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import type { BuildEvent } from '../../../src/events.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { failureOf } from '../tools/fake-programs.js';

describe('Pipeline', () => {
  let events: BuildEvent[];
  let context: Context;

  beforeEach(() => {
    events = [];
    const signal = new AbortController().signal;
    context = {
      signal,
      tools: new Toolbox({ logDirectory: '/nonexistent', signal }),
      emit: (event: BuildEvent) => events.push(event),
      stage: 'build',
      timings: [],
    } as unknown as Context;
  });

  const stage = <Input, Added extends object>(
    name: string,
    run: (input: Input, context: Context) => Promise<Added>,
  ): Stage<Input, Added> => ({ name, run });
  const one = stage('one', ({ a }: { a: number }) => Promise.resolve({ b: a + 1 }));
  const two = stage('two', ({ b }: { b: number }) => Promise.resolve({ c: b * 10 }));

  it('runs the stages in order, each with what the ones before have added', async () => {
    const build = await Pipeline.from<{ a: number }>().stage(one).stage(two).run({ a: 1 }, context);
    expect(build).to.deep.equal({ a: 1, b: 2, c: 20 });
    expect(events.map((event) => ('stage' in event ? `${event.type} ${event.stage}` : event.type))).to.deep.equal([
      'stage-start one',
      'stage-done one',
      'stage-start two',
      'stage-done two',
    ]);
    expect(context.timings.map((timing) => timing.stage)).to.deep.equal(['one', 'two']);
  });

  it('does not compile in a wrong order', () => {
    // @ts-expect-error -- `two` wants what `one` adds
    expect(Pipeline.from<{ a: number }>().stage(two)).to.be.instanceOf(Pipeline);
  });

  it('names the stage that failed, and runs no further one', async () => {
    const failing = stage('failing', () => Promise.reject(new Error('broken')));
    const pipeline = Pipeline.from<{ a: number }>().stage(one).stage(failing).stage(two);
    const failure = await failureOf(pipeline.run({ a: 1 }, context));
    expect(failure).to.include({ stage: 'failing', code: 'INTERNAL', message: 'broken' });
    expect(events.at(-1)).to.include({ type: 'stage-start', stage: 'failing' });
  });

  it('leaves the stage of an error that knows it', async () => {
    const error = new Iso2RootfsError('NO_SPACE', 'full', { stage: 'elsewhere' });
    const failing = stage('failing', () => Promise.reject(error));
    expect(await failureOf(Pipeline.from<object>().stage(failing).run({}, context))).to.include({ stage: 'elsewhere' });
  });

  it('starts no stage once it is aborted', async () => {
    const reason = new Iso2RootfsError('INTERRUPTED', 'interrupted');
    const aborted = { ...context, signal: AbortSignal.abort(reason) };
    expect(await failureOf(Pipeline.from<{ a: number }>().stage(one).run({ a: 1 }, aborted))).to.equal(reason);
    expect(events).to.deep.equal([]);
  });
});
