/** A command that runs until a signal comes, and then needs a while to clean up: until its stdin ends. Writes to stdout what it does. */
import { once } from 'node:events';
import { BaseCommand } from '../../../src/cli/base-command.js';
import { outliveReaders } from '../../../src/cli/outlive-readers.js';

export default class SlowCommand extends BaseCommand {
  override async run(): Promise<void> {
    await this.parse(SlowCommand);
    const emit = this.report();
    emit({ type: 'stage-start', stage: 'install' });
    emit({ type: 'phase', stage: 'install', phase: 'installing packages' });
    process.stdout.write('running\n');
    // Something must keep the process alive while it waits.
    const alive = setInterval(() => emit({ type: 'notice', message: 'still here' }), 50);
    try {
      await once(this.signal, 'abort');
      process.stdin.resume();
      await once(process.stdin, 'end');
      process.stdout.write('cleaned up\n');
      this.signal.throwIfAborted();
    } finally {
      clearInterval(alive);
    }
  }
}

outliveReaders();
await SlowCommand.run([], { root: new URL('../../..', import.meta.url).pathname });
