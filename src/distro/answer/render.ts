import { Iso2RootfsError } from '../../errors.js';
import { describeTarget } from './target.js';
import { renderAutoinstall } from './render-autoinstall.js';
import { renderAutoyast } from './render-autoyast.js';
import { renderKickstart } from './render-kickstart.js';
import { renderPreseed } from './render-preseed.js';
import { createAnswerModel, type AnswerModel } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

/**
 * Writes the answer file for a medium.
 * @throws Iso2RootfsError UNSUPPORTED_DISTRO where there is none for the installer; USAGE for a value that it cannot carry.
 */
export function renderAnswerFile(target: AnswerTarget, options: AnswerModel): RenderedAnswer {
  checkTarget(target);
  const model = createAnswerModel(options);
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

/** What a medium says of itself is data too: it gets into comments and URLs. */
function checkTarget({ release, variant }: AnswerTarget): void {
  for (const word of [release, variant]) {
    if (/^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/.test(word)) continue;
    throw new Iso2RootfsError(
      'UNSUPPORTED_DISTRO',
      `${JSON.stringify(word)} is not the name of a release or a variant`,
      {
        hint: "Say what the medium is with '--distro' and '--release'.",
      },
    );
  }
}
