// Which route answers a request: a method and a path against patterns such as `/users/:id`.
//
// A path is compared segment by segment, decoded; where a literal and a parameter both fit, the literal wins at the first segment
// where they differ. Paths are not normalised: `/a//b`, `/a/` and `/a/../b` are names of their own, so nothing is reached by two
// spellings. Work is bounded by routes times segments.

import { SkerryError } from '../../base/errors.ts';
import type { HealthCheck } from './health.ts';
import type { RouteSettings } from './options.ts';
import type { Page, Pages } from './pages.ts';

/** What was found for a request. */
export type Match =
  | { readonly kind: 'found'; readonly route: RouteSettings; readonly params: ReadonlyMap<string, string> }
  | Fixed
  /** The path exists, the method does not. */
  | { readonly kind: 'wrongMethod'; readonly allow: string }
  | { readonly kind: 'unknownPath' }
  /** A segment is not valid percent encoding. */
  | { readonly kind: 'malformed' };

/** What the driver answers itself to `GET` and `HEAD` of one exact path. */
type Fixed = { readonly kind: 'page'; readonly page: Page } | { readonly kind: 'health'; readonly check: HealthCheck };

/** Finds the route for a method and a path (still encoded, without query). */
export type Router = (verb: string, path: string) => Match;

interface Pattern {
  readonly route: RouteSettings;
  readonly segments: readonly Segment[];
}

interface Segment {
  /** The literal text, or the parameter's name. */
  readonly text: string;
  readonly isParam: boolean;
}

/**
 * Prepares the routes. Pages and health checks have literal paths, so they go before routes with parameters.
 *
 * @param health by path; where a route or a page has the same path, that one answers
 * @throws SkerryError SKERRY_INVALID if two routes, or a route and a page, answer the same requests, or a route names a parameter
 * twice or not at all
 */
export function createRouter(
  routes: readonly RouteSettings[],
  pages: Pages = new Map(),
  health: ReadonlyMap<string, HealthCheck> = new Map(),
): Router {
  const patterns = routes.map((route) => ({ route, segments: parsePattern(route) }));
  const byShape = new Map<string, RouteSettings>();
  for (const { route, segments } of patterns) {
    const shape = `${route.verb} ${segments.map((s) => (s.isParam ? ':' : encodeURIComponent(s.text))).join('/')}`;
    const other = byShape.get(shape);
    if (other) throw invalid(`routes "${nameOf(other)}" and "${nameOf(route)}" answer the same requests`);
    byShape.set(shape, route);
  }
  const fixed = new Map<string, Fixed>();
  for (const [path, check] of health) {
    if (!byShape.has(`GET ${path.slice(1)}`)) fixed.set(path, { kind: 'health', check });
  }
  for (const [path, page] of pages) {
    const route = byShape.get(`GET ${path.slice(1).split('/').map(encodeURIComponent).join('/')}`);
    if (route) throw invalid(`page "${path}" and route "${nameOf(route)}" answer the same requests`);
    fixed.set(path, { kind: 'page', page });
  }
  patterns.sort(literalsFirst);
  return (verb, path) => {
    const answer = fixed.get(path);
    if (answer && (verb === 'GET' || verb === 'HEAD')) return answer;
    return match(patterns, verb, path, answer ? ['GET', 'HEAD'] : []);
  };
}

/** @param known methods that the path answers besides those of routes */
function match(patterns: readonly Pattern[], verb: string, path: string, known: readonly string[]): Match {
  const parts = decodeSegments(path);
  if (!parts) return { kind: 'malformed' };
  const wanted = verb === 'HEAD' ? 'GET' : verb;
  const others = new Set(known);
  for (const { route, segments } of patterns) {
    if (!fits(segments, parts)) continue;
    if (route.verb === wanted) return { kind: 'found', route, params: paramsOf(segments, parts) };
    others.add(route.verb);
    if (route.verb === 'GET') others.add('HEAD');
  }
  return others.size === 0 ? { kind: 'unknownPath' } : { kind: 'wrongMethod', allow: [...others].sort().join(', ') };
}

function fits(segments: readonly Segment[], parts: readonly string[]): boolean {
  if (segments.length !== parts.length) return false;
  return segments.every((segment, i) => (segment.isParam ? parts[i] !== '' : segment.text === parts[i]));
}

function paramsOf(segments: readonly Segment[], parts: readonly string[]): Map<string, string> {
  const params = new Map<string, string>();
  segments.forEach((segment, i) => {
    if (segment.isParam) params.set(segment.text, parts[i]);
  });
  return params;
}

function parsePattern(route: RouteSettings): Segment[] {
  const parts = decodeSegments(route.path);
  if (!parts) throw invalid(`route "${nameOf(route)}" is not valid percent encoding`);
  const segments = parts.map((part) =>
    part.startsWith(':') ? { text: part.slice(1), isParam: true } : { text: part, isParam: false },
  );
  const names = segments.filter((s) => s.isParam).map((s) => s.text);
  if (names.some((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name))) {
    throw invalid(`route "${nameOf(route)}": a parameter's name must start with a letter and have letters, digits and "_" only`);
  }
  if (new Set(names).size < names.length) throw invalid(`route "${nameOf(route)}" names a parameter twice`);
  return segments;
}

/** The segments after the first slash, decoded; undefined if one cannot be. */
function decodeSegments(path: string): string[] | undefined {
  const parts = path.slice(1).split('/');
  if (!path.includes('%')) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function literalsFirst(a: Pattern, b: Pattern): number {
  for (let i = 0; i < Math.min(a.segments.length, b.segments.length); i++) {
    const order = Number(a.segments[i].isParam) - Number(b.segments[i].isParam);
    if (order !== 0) return order;
  }
  return a.segments.length - b.segments.length;
}

function nameOf(route: RouteSettings): string {
  return `${route.verb} ${route.path}`;
}

function invalid(message: string): SkerryError {
  return new SkerryError('SKERRY_INVALID', `http driver: ${message}`);
}
