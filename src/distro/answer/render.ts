import { Iso2RootfsError } from '../../errors.js';
import { describeTarget } from './target.js';
import { renderAutoinstall } from './render-autoinstall.js';
import { renderAutoyast } from './render-autoyast.js';
import { renderKickstart } from './render-kickstart.js';
import { renderPreseed } from './render-preseed.js';
import type { AnswerModel } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

/**
 * Writes the answer file for a medium.
 * @param model from `createAnswerModel`: its values have been checked.
 * @throws Iso2RootfsError UNSUPPORTED_DISTRO where there is none for the installer; USAGE for a value that it cannot carry.
 */
export function renderAnswerFile(target: AnswerTarget, model: AnswerModel): RenderedAnswer {
  switch (target.family) {
    case 'anaconda':
      return renderKickstart(target, model);
    case 'debian-installer':
      return renderPreseed(target, model);
    case 'subiquity':
      return renderAutoinstall(target, model);
    case 'autoyast':
      return renderAutoyast(target, model);
    case 'agama':
      throw new Iso2RootfsError(
        'UNSUPPORTED_DISTRO',
        `${describeTarget(target)} has the installer Agama, which is not supported`,
        {
          hint: 'Take openSUSE Leap 15.6.',
        },
      );
  }
}
