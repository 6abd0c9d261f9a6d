/** A function that is loaded when it is called for the first time. */
export function lazily<Arguments extends readonly unknown[], Result>(
  load: () => Promise<(...args: Arguments) => Promise<Result>>,
): (...args: Arguments) => Promise<Result> {
  return async (...args) => (await load())(...args);
}
