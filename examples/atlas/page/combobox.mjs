// The search box: an editable combobox with a list, as WAI-ARIA 1.2 describes it.
//
// Focus stays in the input; `aria-activedescendant` names the option that the arrow keys are on. Down and Up move (and open), Enter
// chooses, Escape closes the list, and once more clears the text. Answers that come out of order are dropped: a question is aborted by
// the next one. What was typed is never changed by an answer, only by a choice.

const WAIT_MS = 120;

/**
 * @template T
 * @param {object} parts
 * @param {HTMLInputElement} parts.input
 * @param {HTMLElement} parts.list with role listbox
 * @param {HTMLElement} parts.message a live region
 * @param {(text: string, signal: AbortSignal) => Promise<T[]>} parts.find
 * @param {(item: T, option: HTMLElement) => void} parts.render fills an option
 * @param {(item: T) => string} parts.nameOf what stands in the input after a choice
 * @param {(item: T) => void} parts.onChoice
 */
export function combobox({ input, list, message, find, render, nameOf, onChoice }) {
  let items = [];
  let active = -1;
  let question = new AbortController();
  let timer;
  /** The list is of an earlier text. */
  let isStale = false;

  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    setActive(-1);
  };

  const setActive = (index) => {
    list.children[active]?.setAttribute('aria-selected', 'false');
    active = index;
    const option = list.children[index];
    if (!option) return input.removeAttribute('aria-activedescendant');
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', option.id);
  };

  const open = () => {
    if (items.length === 0) return;
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
  };

  const choose = (index) => {
    const item = items[index];
    if (!item) return;
    forget();
    input.value = nameOf(item);
    message.textContent = '';
    onChoice(item);
  };

  /** Whatever is still on its way is no longer wanted. */
  const forget = () => {
    clearTimeout(timer);
    question.abort();
    question = new AbortController();
    close();
  };

  const search = async () => {
    question.abort();
    question = new AbortController();
    const { signal } = question;
    const text = input.value;
    try {
      const found = await find(text, signal);
      if (signal.aborted) return;
      items = found;
      isStale = false;
      list.replaceChildren(...items.map(optionOf));
      setActive(-1);
      if (items.length === 0) close();
      else if (document.activeElement === input) open();
      message.textContent = describe(items.length, text);
    } catch (error) {
      if (signal.aborted) return;
      items = [];
      close();
      list.replaceChildren();
      message.textContent = [error.message, ...(error.issues ?? []).map((issue) => issue.message)].join(' ');
    }
  };

  const optionOf = (item, index) => {
    const option = document.createElement('li');
    option.id = `${list.id}-${index}`;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    render(item, option);
    option.addEventListener('pointerdown', (event) => event.preventDefault()); // focus stays in the input
    option.addEventListener('click', () => choose(index));
    return option;
  };

  input.addEventListener('input', () => {
    clearTimeout(timer);
    isStale = true;
    if (input.value.trim() === '') {
      forget();
      items = [];
      message.textContent = '';
      return;
    }
    timer = setTimeout(search, WAIT_MS);
  });

  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    const isOpen = !list.hidden;
    const count = items.length;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault();
        if (count === 0) return;
        const isDown = event.key === 'ArrowDown';
        if (!isOpen) open();
        if (event.altKey) return;
        if (active === -1) setActive(isDown ? 0 : count - 1);
        else setActive((active + (isDown ? 1 : count - 1)) % count);
        return;
      }
      case 'Enter':
        event.preventDefault();
        if (isOpen && (active !== -1 || !isStale)) choose(Math.max(0, active));
        else if (input.value.trim() !== '') {
          clearTimeout(timer);
          void search();
        }
        return;
      case 'Escape':
        event.preventDefault();
        if (isOpen) return close();
        forget();
        input.value = '';
        items = [];
        message.textContent = '';
        return;
      case 'Tab':
        close();
    }
  });

  input.addEventListener('blur', close);
  input.addEventListener('click', () => {
    if (list.hidden && input.value.trim() !== '') open();
  });
}

function describe(count, text) {
  if (count === 0) return `No city is called “${text.trim()}”, or begins so.`;
  return count === 1 ? '1 city found.' : `${count} cities found; up and down arrows choose.`;
}
