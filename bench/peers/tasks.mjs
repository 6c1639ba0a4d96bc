/** The tasks of piscina and tinypool, which find them by their names; `payload` takes and gives bytes by copy. */
export { echo, echo as payload, late } from './handlers.mjs';
