// On whose behalf a call is made. `operator`: who booted the system; `server:geo`: a server; else a user, whom an operator speaks for.
// A user's name cannot be mistaken for the others.

export const OPERATOR = 'operator';

const USER = /^[\w.@+-]{1,64}$/;

const SERVER = /^server:[a-z][\w-]{0,63}$/i;

/** Is that the principal of a server? */
export function isServerPrincipal(name: unknown): name is string {
  return typeof name === 'string' && SERVER.test(name);
}

/** Is that the name of a user: 1 to 64 of letters, digits and _ . @ + -, not `operator`? */
export function isUser(name: unknown): name is string {
  return typeof name === 'string' && USER.test(name) && name !== OPERATOR;
}
