/**
 * @file The script of a report. Without it everything can be read and every switch works; it keeps the chosen colours, saves experiments as files,
 * and in a live report puts new sections into the place of old ones.
 */

/** The script, as it stands in the page. */
export const script = `'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('scripted');

  // The colours chosen last; storage may be forbidden.
  const remembered = () => { try { return localStorage.getItem('peft-report-theme'); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem('peft-report-theme', value); } catch { /* then not */ } };
  const theme = document.getElementById('theme-' + remembered());
  if (theme instanceof HTMLInputElement) theme.checked = true;
  document.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && target.name === 'theme') remember(target.value);
  });

  document.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element) || !target.matches('.download')) return;
    const text = document.getElementById(target.dataset.of).textContent;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = target.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  if (root.dataset.version === undefined) return;
  const connection = document.getElementById('connection');
  const say = (text) => { if (connection.textContent !== text) connection.textContent = text; };

  // What a reader has opened, chosen and scrolled to stays.
  const replace = (part, markup) => {
    const open = [...part.querySelectorAll('details')].filter((d) => d.open).map((d) => d.id);
    const unchecked = [...part.querySelectorAll('input[type=checkbox]')].filter((i) => !i.checked).map((i) => i.id);
    const scrolled = [...part.querySelectorAll('.scroll, pre')].filter((e) => e.id && (e.scrollTop || e.scrollLeft)).map((e) => [e.id, e.scrollTop, e.scrollLeft]);
    const at = document.activeElement;
    const focused = part.contains(at) ? at.id || (at.parentElement && at.matches('summary') && at.parentElement.id) : '';
    part.innerHTML = markup;
    for (const id of open) { const d = document.getElementById(id); if (d) d.open = true; }
    for (const id of unchecked) { const i = document.getElementById(id); if (i) i.checked = false; }
    for (const [id, top, left] of scrolled) { const e = document.getElementById(id); if (e) { e.scrollTop = top; e.scrollLeft = left; } }
    const again = focused && document.getElementById(focused);
    if (again) (again.matches('details') ? again.querySelector('summary') : again).focus({ preventScroll: true });
  };

  const events = new EventSource('events?since=' + root.dataset.version);
  events.addEventListener('open', () => say('connected'));
  events.addEventListener('error', () => say('the connection is lost; trying again'));
  events.addEventListener('sections', ({ data }) => {
    const { version, sections } = JSON.parse(data);
    for (const [name, markup] of Object.entries(sections)) {
      const part = document.querySelector('[data-part="' + name + '"]');
      if (part) replace(part, markup);
    }
    root.dataset.version = version;
    say('connected');
  });
  events.addEventListener('end', () => { events.close(); say('the run has ended; this page stays as it is'); });
})();
`;
