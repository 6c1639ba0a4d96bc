export default (n: number): number => {
  let sum = 0;
  while (n > 0) sum += n;
  return sum;
};
