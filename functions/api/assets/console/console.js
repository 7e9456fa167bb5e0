'use strict';

// The pages work without this script; it adds what a form and a link cannot do. Everything is listened for on the
// document, so that whatever htmx swaps in works as well.
(() => {
  document.documentElement.classList.add('js');

  const byId = (id) => document.getElementById(id);
  const on = (event, then, capture = false) => document.addEventListener(event, then, capture);
  const within = (root, selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];

  const element = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };

  // A portal link carries its token in the fragment, which no server log and no Referer ever sees. It leaves the
  // address, and so the history, before anything else happens.
  const signInFromFragment = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (!token) return;
    history.replaceState(null, '', location.pathname + location.search);
    const action = document.querySelector('meta[name="hookbell-sign-in"]')?.content;
    if (!action) return;
    const form = element('form', 'hidden', '');
    const key = element('input', '', '');
    Object.assign(form, { method: 'post', action });
    Object.assign(key, { type: 'hidden', name: 'key', value: token });
    form.append(key);
    document.body.append(form);
    form.submit();
  };

  // What happened.

  const say = (text) => {
    const said = byId('alerts')?.querySelector('[data-said]') ?? element('p', 'hidden', '');
    said.dataset.said = '';
    said.textContent = '';
    byId('alerts')?.append(said);
    // A live region reads out only what changes, so the same word twice needs a moment of silence between.
    setTimeout(() => { said.textContent = text; }, 50);
  };

  const clearFault = () => document.querySelector('.fault')?.remove();

  const fault = (text) => {
    // A poll that keeps failing must not be read out every two seconds.
    if (document.querySelector('.fault p')?.textContent === text) return;
    clearFault();
    const box = element('div', 'notice bad fault', '');
    const dismiss = element('button', 'button quiet small', 'Dismiss');
    dismiss.type = 'button';
    dismiss.addEventListener('click', clearFault);
    box.append(element('p', '', text), dismiss);
    byId('alerts')?.append(box);
  };

  const WHAT_TO_DO = {
    401: 'You are signed out. Reload the page to sign in again.',
    403: 'That is not allowed, or the page is too old. Reload it and try again.',
    404: 'That is no longer here: it may have been deleted. Reload the page.',
    409: 'Something else changed it in the meantime. Reload the page and try again.',
    429: 'Too many calls. Wait a moment, then try again.',
  };

  const failed = ({ detail }) => {
    const status = detail.xhr?.status ?? 0;
    if (status === 0) fault('Could not reach the server. Check the connection and try again.');
    else if (status >= 500) fault(`Could not reach the server (it answered ${status}). Try again in a moment.`);
    else fault(WHAT_TO_DO[status] ?? `That did not work (the server answered ${status}). Reload the page and try again.`);
  };

  on('htmx:responseError', failed);
  on('htmx:sendError', failed);
  on('htmx:timeout', failed);
  on('htmx:afterRequest', ({ detail }) => { if (detail.successful) clearFault(); });

  // Copying.

  const putOnClipboard = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // No permission, or plain http. The field stands beside the button, because an open dialog keeps focus inside.
      const field = element('textarea', 'hidden', '');
      field.value = text;
      button.after(field);
      field.select();
      const copied = document.execCommand('copy');
      field.remove();
      button.focus();
      return copied;
    }
  };

  const copy = async (button) => {
    const { copyFrom, copy: given } = button.dataset;
    const text = copyFrom ? document.querySelector(copyFrom)?.textContent.trim() : given;
    if (!text) return;
    if (!await putOnClipboard(text, button)) {
      fault('The browser did not allow copying. Select the text and copy it by hand.');
      return;
    }
    say('Copied');
    if (button.classList.contains('done')) return;
    const word = button.textContent;
    button.classList.add('done');
    button.textContent = 'Copied';
    setTimeout(() => {
      button.classList.remove('done');
      button.textContent = word;
    }, 1600);
  };

  // Menus and the dialog.

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== except) menu.open = false;
  };

  const openDialog = () => {
    const dialog = byId('dialog');
    if (!dialog || dialog.open) return;
    // Focus returns to what had it: never to an item of a menu that is closed by then.
    const menu = document.activeElement?.closest('details.menu');
    menu?.querySelector('summary').focus();
    closeMenus();
    dialog.showModal();
  };

  on('toggle', ({ target }) => { if (target.matches('details.menu[open]')) closeMenus(target); }, true);
  on('close', ({ target }) => { if (target.id === 'dialog') byId('dialog-body')?.replaceChildren(); }, true);

  on('keydown', (event) => {
    const { key, target } = event;
    const menu = target.closest?.('details.menu[open]');
    if (key === 'Escape' && menu) menu.querySelector('summary').focus();
    if (key === 'Escape') closeMenus();
    if (key === 'Enter' && target.matches?.('[data-filter]')) event.preventDefault();
  });

  // Secrets.

  const hideSecret = () => {
    if (!byId('secret-shown')?.childElementCount) return;
    byId('secret-shown').replaceChildren();
    byId('secret-masked').hidden = false;
  };

  // The browser may keep the whole page for its Back button: no secret stays in it. A reload on return would not do,
  // because a page that answers a POST would send it again, and make a second key.
  addEventListener('pagehide', () => {
    hideSecret();
    for (const secret of document.querySelectorAll('[data-secret]')) {
      secret.textContent = 'shown only once';
      secret.parentElement.querySelector('.copy')?.remove();
    }
  });

  // The choice of event types.

  const typesIn = (box) => [...box.querySelectorAll('[data-group] li')].map((row) => ({
    row,
    tick: row.querySelector('input'),
    group: row.closest('[data-group]'),
  }));

  const showTypes = (box) => {
    const types = typesIn(box);
    const every = box.querySelector('input[value="*"]');
    const words = box.querySelector('[data-filter]').value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = every?.checked ?? false;
    for (const { row, tick, group } of types) {
      const text = `${group.querySelector('legend').textContent} ${row.textContent}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      tick.disabled = all;
    }
    const shown = types.filter(({ row }) => !row.hidden);
    for (const group of box.querySelectorAll('[data-group]')) {
      const here = shown.filter((type) => type.group === group);
      const ticked = here.filter(({ tick }) => tick.checked).length;
      const head = group.querySelector('[data-group-all]');
      group.hidden = here.length === 0;
      head.checked = ticked > 0 && ticked === here.length;
      head.indeterminate = ticked > 0 && ticked < here.length;
      head.disabled = all;
    }
    for (const button of box.querySelectorAll('[data-all], [data-none]')) button.disabled = all || shown.length === 0;
    box.querySelector('.groups')?.classList.toggle('off', all);
    const chosen = `${types.filter(({ tick }) => tick.checked).length} of ${types.length} selected`;
    const found = shown.length === types.length ? '' : `, ${shown.length || 'none'} found`;
    const count = box.querySelector('[data-count]');
    const sentence = all ? 'All events selected' : chosen + found;
    if (count.textContent !== sentence) count.textContent = sentence;
  };

  const tickShown = (box, checked, group) => {
    for (const type of typesIn(box)) {
      if (!type.row.hidden && (!group || type.group === group)) type.tick.checked = checked;
    }
    showTypes(box);
  };

  const typesChanged = ({ target }) => {
    const box = target.closest?.('[data-types]');
    if (!box) return;
    if (target.matches('[data-group-all]')) tickShown(box, target.checked, target.closest('[data-group]'));
    else showTypes(box);
  };

  on('input', typesChanged);
  on('change', typesChanged);

  // A form is sent once. htmx tells when its own are done; the others leave the page.

  const sending = new WeakMap();

  const setBusy = (owner, button) => {
    sending.set(owner, button);
    button?.setAttribute('aria-busy', 'true');
  };

  const setIdle = (owner) => {
    sending.get(owner)?.removeAttribute('aria-busy');
    sending.delete(owner);
  };

  on('submit', (event) => {
    if (!sending.has(event.target) || event.target.method !== 'post') return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  on('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== 'post') return;
    setBusy(form, event.submitter);
    // Whoever stops a slow page keeps it, and must be able to send again.
    setTimeout(setIdle, 10000, form);
  });

  on('htmx:beforeRequest', ({ detail: { elt, requestConfig } }) => {
    if (!elt.matches('form[hx-post], button')) return;
    setBusy(elt, elt.matches('button') ? elt : requestConfig.triggeringEvent?.submitter);
  });

  on('htmx:afterRequest', ({ detail }) => setIdle(detail.elt));

  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) for (const form of document.forms) setIdle(form);
  });

  // One ear for clicks.

  on('click', (event) => {
    const { target } = event;
    const hit = (selector) => target.closest(selector);
    const dialog = byId('dialog');
    closeMenus(hit('details.menu'));
    // Only the backdrop is the dialog itself: its content fills it to the edge.
    if (dialog?.open && (target === dialog || hit('#dialog [data-close]'))) {
      event.preventDefault();
      dialog.close();
    }
    if (hit('.copy')) copy(hit('.copy'));
    if (hit('[data-hide]')) {
      hideSecret();
      document.querySelector('[data-reveal]')?.focus();
    }
    if (hit('[data-all], [data-none]')) tickShown(hit('[data-types]'), Boolean(hit('[data-all]')));
  });

  // Content, when the page opens and whenever htmx has put some in.

  const local = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
  });

  const prepare = (root) => {
    for (const time of within(root, 'time[datetime]:not([data-local])')) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.dataset.local = '';
      time.title = `${time.title || time.dateTime} · ${local.format(at)} local`;
    }
    within(root, '[data-types]').forEach(showTypes);
  };

  // A poll must not close what is being read.
  let opened = [];
  on('htmx:beforeSwap', ({ detail }) => {
    opened = [...detail.target.querySelectorAll('details[id][open]')].map(({ id }) => id);
  });

  on('htmx:afterSwap', ({ detail }) => {
    for (const id of opened) byId(id)?.setAttribute('open', '');
    if (detail.target.id === 'dialog-body') openDialog();
    if (detail.target.id === 'secret-shown') {
      byId('secret-masked').hidden = true;
      detail.target.querySelector('[data-hide]')?.focus();
    }
  });

  on('htmx:load', ({ detail }) => prepare(detail.elt));

  const start = () => {
    signInFromFragment();
    prepare(document.body);
  };

  addEventListener('hashchange', signInFromFragment);
  if (document.readyState === 'loading') on('DOMContentLoaded', start);
  else start();
})();
