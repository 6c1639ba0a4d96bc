// Keeps the engine from forgetting how the objects of a hot path are laid out.
//
// V8 describes the layout of an object by a hidden class that lives as long as an object that has it. Code that was compiled for it
// depends on it weakly: a full collection that finds none of these objects (between two calls there is none) drops the hidden class, and
// with it all code that knew it. The next thousands of calls then run uncompiled: in a process that is called 100 times a second a call
// took 50 us longer after each full collection. So one object of each layout stays, and with it the code, as long as all that come later have
// values of the same kinds (a timeout of half a millisecond makes another layout). That is speed, not correctness.

const kept: object[] = [];

/** @param sample with values like those of real ones: a whole number is not stored as a fraction is. Stays for good. */
export function keepLayout(sample: object): void {
  kept.push(sample);
}
