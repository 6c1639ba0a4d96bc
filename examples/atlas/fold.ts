// Names as they are compared: without case, accents and punctuation, so that `sao paulo` finds São Paulo and `lodz` Łódź.
//
// Accents fall away by decomposition (NFKD); letters that have no accent to lose stand in a table. What is folded once stays the same.

/** Letters that decompose into nothing simpler, as GeoNames spells them in ASCII; and the sigma that ends a word. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
  ŧ: 't',
  ŋ: 'ng',
  ə: 'a',
  ɓ: 'b',
  ɗ: 'd',
  ƙ: 'k',
  ɛ: 'e',
  ɔ: 'o',
  ς: 'σ',
};
const PLAIN = /^[a-z0-9]+(?: [a-z0-9]+)*$/;
/** Accents of Latin letters, and apostrophes: some of what the slower way takes away, in an expression that needs no tables. */
const COMMON = /[\u0300-\u036f'’‘ʼʻʹ`´ʾʿ]/g;
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

/** @returns lower-case letters and digits, words apart by one space; empty when the text has neither letter nor digit */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (PLAIN.test(lower)) return lower; // most names
  // Afterwards in lower case: what is taken apart may have capitals, as U+3387 has.
  const apart = text.normalize('NFKD').toLowerCase();
  const latin = apart.replace(COMMON, '');
  if (PLAIN.test(latin)) return latin; // most of the others
  return apart
    .replace(/[\p{M}'’‘ʼʻʹ`´ʾʿ]/gu, '')
    .replace(LETTER, (letter) => LETTERS[letter])
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
