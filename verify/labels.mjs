// Do the labels of the models stand in the source? A store that publishes and the load that consumes it carry the same `// sync:` label,
// so each label of a model has to be found behind code at least twice. Comments alone (a drawing, a table) do not count.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns {string[]} one sentence for each label that a model names and src/ does not have as a pair. */
export function missingLabels(models, sourceFolder) {
  const found = new Map();
  for (const file of readdirSync(sourceFolder, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    for (const line of readFileSync(join(sourceFolder, file), 'utf8').split('\n')) {
      const labels = /\S.*\/\/ sync: ([a-z-]+(?:, [a-z-]+)*)/.exec(line);
      if (labels === null || line.trimStart().startsWith('//')) continue;
      for (const label of labels[1].split(', ')) found.set(label, (found.get(label) ?? 0) + 1);
    }
  }
  return models.flatMap((model) =>
    model.labels
      .filter((label) => (found.get(label) ?? 0) < 2)
      .map(
        (label) =>
          `${model.name}: \`// sync: ${label}\` stands ${found.get(label) ?? 0} times behind code in src/; a store and a load need it`,
      ),
  );
}
