import { Iso2RootfsError } from '../../errors.js';
import { describeTarget } from './target.js';
import type { AnswerModel } from './model.js';
import type { AnswerTarget } from './types.js';

/** Only Anaconda's distributions install an SELinux policy; for the others the setting is nothing to complain about unless it was a demand. */
export function refuseEnforcing(target: AnswerTarget, model: AnswerModel): void {
  if (model.selinux !== 'enforcing') return;
  throw new Iso2RootfsError(
    'USAGE',
    `SELinux cannot be enforced on ${describeTarget(target)}: it is installed without a policy`,
    {
      hint: 'Leave the setting out.',
    },
  );
}
