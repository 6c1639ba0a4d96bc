/** Imports a package as this folder sees it: out of bench/node_modules, where the compiled benchmarks do not look. */
export const load = (specifier) => import(specifier);
