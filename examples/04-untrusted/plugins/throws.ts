export default (n: number): number => {
  throw new RangeError(`${n} is too much`);
};
