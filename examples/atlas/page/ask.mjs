// Asks the atlas. Whatever goes wrong becomes an error whose message is meant for people.

const ANSWER_MS = 10_000;

/** Why there is no answer. `issues` say which input is wrong, by its name; `isPassing`: the same question may be answered later. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {{ issues?: { path: string, message: string }[], isPassing?: boolean }} [more]
   */
  constructor(message, { issues = [], isPassing = false } = {}) {
    super(message);
    this.issues = issues;
    this.isPassing = isPassing;
  }
}

/**
 * @param {string} path such as `nearest`
 * @param {Record<string, string>} fields
 * @param {AbortSignal} [signal] of a question that is no longer of interest; its AbortError comes through
 * @returns {Promise<any>}
 */
export async function ask(path, fields = {}, signal) {
  const query = new URLSearchParams(fields);
  const limit = AbortSignal.timeout(ANSWER_MS);
  let response;
  let body;
  try {
    response = await fetch(query.size === 0 ? path : `${path}?${query}`, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { accept: 'application/json' },
    });
    body = await response.json().catch((error) => {
      if (error.name === 'SyntaxError') return {};
      throw error;
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (limit.aborted) throw passing('The atlas took too long to answer.');
    throw passing('The atlas cannot be reached: it may have been stopped, or is just starting.');
  }
  if (response.ok) return body;
  throw problemOf(response.status, body?.error ?? {});
}

function problemOf(status, { message, issues = [] }) {
  if (status === 400 && issues.length > 0) return new Problem('Something in the question is not right:', { issues });
  if (status === 404) return new Problem(message ? sentence(message) : 'There is nothing of that kind here.');
  if (status === 429 || status === 503 || status === 504) {
    return passing('The atlas is too busy, or a part of it is just starting again.');
  }
  if (status >= 500) return passing(`The atlas has failed to answer (${status}).`);
  return new Problem(message ? sentence(message) : `The atlas refused the question (${status}).`);
}

function passing(text) {
  return new Problem(`${text} Please try again.`, { isPassing: true });
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
