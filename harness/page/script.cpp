#include "harness/page/parts.hpp"

namespace recollect::page {

// Sorting, searching, pointing at a seed, the choice of a theme. All else works without it.
std::string script() {
  return R"js(<script>
(() => {
  const all = (what, where) => [...(where || document).querySelectorAll(what)];
  const button = (text) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = text;
    return made;
  };

  // Theme: what the system says, light, dark.
  const themes = ['auto', 'light', 'dark'];
  let theme = 0;
  const chooser = button('theme: auto');
  chooser.className = 'theme';
  chooser.onclick = () => {
    theme = (theme + 1) % themes.length;
    if (theme) document.documentElement.dataset.theme = themes[theme];
    else delete document.documentElement.dataset.theme;
    chooser.textContent = 'theme: ' + themes[theme];
  };
  document.getElementById('legend').append(chooser);

  // Tables are sorted by a click on a head; what groups rows stays where it is.
  const key = (row, column) => {
    const cell = row.children[column];
    if (!cell) return '';
    return cell.dataset.k === undefined ? cell.textContent.trim() : cell.dataset.k;
  };
  const before = (a, b) => {
    if (a === '' || b === '') return (a === '') - (b === '');
    const numbers = a - b;
    return Number.isNaN(numbers) ? a.localeCompare(b) : numbers;
  };
  for (const table of all('table.sortable')) {
    const heads = all('thead tr:last-child > th', table);
    heads.forEach((head, column) => {
      if (head.hasAttribute('data-fixed')) return;
      const sorter = button('');
      sorter.append(...head.childNodes);
      head.append(sorter);
      sorter.onclick = () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        for (const body of table.tBodies) {
          const rows = all(':scope > tr:not(.head)', body);
          rows.sort((a, b) => {
            const x = key(a, column), y = key(b, column);
            return down && x !== '' && y !== '' ? before(y, x) : before(x, y);
          });
          body.append(...rows);
        }
      };
    });
  }

  // Words that a row must have.
  for (const box of all('.search')) {
    const field = document.createElement('input');
    field.type = 'search';
    const count = document.createElement('span');
    count.setAttribute('role', 'status');
    const label = document.createElement('label');
    label.append('Search ', field);
    box.append(label, count);
    const rows = all('tbody tr', document.getElementById(box.dataset.of));
    field.oninput = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += !row.hidden;
      }
      count.textContent = words.length ? ' ' + left + ' of ' + rows.length : '';
    };
  }

  // One cell in all pictures: while a pointer rests on it, or after a click.
  let pinned = null, lit = null;
  const light = (number) => {
    if (number === lit) return;
    lit = number;
    all('.lit').forEach((one) => one.classList.remove('lit'));
    all('.faded').forEach((one) => one.classList.remove('faded'));
    if (number === null) return;
    for (const one of all('[data-c="' + number + '"]')) {
      one.classList.add('lit');
      const study = one.closest('.study');
      if (study) study.classList.add('faded');
    }
  };
  const cellAt = (event) => {
    const mark = event.target.closest && event.target.closest('.study [data-c]');
    return mark ? mark.dataset.c : null;
  };
  document.addEventListener('mouseover', (event) => light(cellAt(event) || pinned));
  document.addEventListener('click', (event) => {
    if (event.target.closest('a, button, input, label, summary')) return;
    pinned = cellAt(event);
    light(pinned);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') light(pinned = null);
  });

  // A link to a row opens the table that holds it.
  const open = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    const closed = target && target.closest('details:not([open])');
    if (!closed) return;
    closed.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', open);
  open();
})();
</script>
)js";
}

}  // namespace recollect::page
