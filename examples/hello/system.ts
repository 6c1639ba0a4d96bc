import { server, system, uses } from 'skerry';

const primes = server(() => ({
  isPrime: (n: number) => n > 1 && !Array.from({ length: Math.sqrt(n) - 1 }).some((_, i) => n % (i + 2) === 0),
}));

const counter = server({ uses: { primes: uses<typeof primes>() } }, ({ uses: { primes } }) => ({
  below: async (n: number) => (await Promise.all([...Array(n).keys()].map((i) => primes.isPrime(i)))).filter(Boolean).length,
}));

export default system(import.meta.url, {
  primes: { load: async () => ({ default: primes }) },
  counter: { load: async () => ({ default: counter }) },
});
