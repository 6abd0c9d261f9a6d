import { expect } from 'chai';
import { type ErrorCode, Iso2RootfsError } from '../../../src/errors.js';

/** Awaits a rejection with our error, a code, a hint, and a message and hint that match. */
export async function expectRefusal(
  action: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
): Promise<Iso2RootfsError> {
  const error = await action.then(
    (result) => result,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(Iso2RootfsError);
  const refusal = error as Iso2RootfsError;
  expect(refusal.code, refusal.message).to.equal(code);
  expect(`${refusal.message} ${refusal.hint}`).to.match(message);
  expect(refusal.hint).to.be.a('string').and.not.equal('');
  return refusal;
}
