import Mocha from 'mocha';

const { reporters, Runner } = Mocha;

/** Mocha's spec reporter, plus a plain closing line with the counts. */
export default class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${passes} passed, ${failures} failed, ${pending} skipped\n`);
    });
  }
}
