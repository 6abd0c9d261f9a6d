import { Iso2RootfsError } from '../../errors.js';
import { describeTarget } from './target.js';
import { renderKickstart } from './render-kickstart.js';
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
    case 'subiquity':
    case 'autoyast':
    case 'agama':
      throw new Iso2RootfsError('UNSUPPORTED_DISTRO', `No answer file can be written for ${describeTarget(target)}`, {
        hint: 'Give a medium of another release.',
      });
  }
}
