export default (n: number): number => {
  const all = new Map<number, number[]>();
  while (n > 0) all.set(all.size, [n]);
  return all.size;
};
