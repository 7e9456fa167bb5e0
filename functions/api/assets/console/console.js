'use strict';

// The pages work without this script: it adds what a link and a form cannot do. It listens on the document, so that
// whatever htmx swaps in works as well.
(() => {
  document.documentElement.classList.add('js');

  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (event, then, capture = false) => document.addEventListener(event, then, capture);

  const element = (name, className, properties) => Object.assign(document.createElement(name), { className, ...properties });

  // A portal link carries its token in the fragment, which no log of a server ever sees. It leaves the address, and so
  // the history, before anything else happens.
  const signInFromFragment = () => {
    const value = new URLSearchParams(location.hash.slice(1)).get('token');
    // A key in a link would be one that somebody else has chosen.
    if (!value?.startsWith('pt_')) return false;
    history.replaceState(null, '', location.pathname + location.search);
    const action = document.querySelector('meta[name="hookbell-sign-in"]')?.content;
    if (!action) return false;
    const form = element('form', 'hidden', { method: 'post', action });
    form.append(element('input', '', { type: 'hidden', name: 'key', value }));
    form.append(element('input', '', { type: 'hidden', name: 'link', value: 'true' }));
    document.body.append(form);
    form.submit();
    return true;
  };

  // Browsers leave the session behind when a link on another site is followed, and send it along from here: whoever is
  // signed in goes on to where the link leads.
  const goOn = async () => {
    const next = document.querySelector('.sign-in [name="next"]');
    if (!next || document.querySelector('.sign-in [role="alert"]')) return;
    const signIn = next.form.action;
    const page = await fetch(signIn.replace(/\/sign-in$/, '') + next.value).catch(() => undefined);
    page?.body?.cancel();
    if (page?.ok && !page.url.startsWith(signIn)) location.replace(page.url);
  };

  // What happened, in words

  const say = (text) => {
    const said = document.querySelector('[data-said]') ?? element('p', 'hidden');
    said.dataset.said = '';
    said.textContent = '';
    byId('alerts')?.append(said);
    // A live region reads out changes only, so the same word twice needs a moment of silence between.
    setTimeout(() => { said.textContent = text; }, 50);
  };

  const clearFault = () => document.querySelector('.fault')?.remove();

  const fault = (textContent) => {
    // A poll that keeps failing must not be read out every two seconds.
    if (document.querySelector('.fault p')?.textContent === textContent) return;
    clearFault();
    const box = element('div', 'notice bad fault');
    const dismiss = element('button', 'button small', { type: 'button', textContent: 'Dismiss', onclick: clearFault });
    box.append(element('p', '', { textContent }), dismiss);
    byId('alerts')?.append(box);
  };

  const FAULTS = {
    0: "Couldn't reach the server. Check your connection and try again.",
    403: "You can't do that, or this page is out of date. Reload and try again.",
    404: 'This no longer exists. Reload the page.',
    429: 'Too many requests. Wait a moment, then try again.',
  };

  const failed = (status) => {
    const server = status >= 500 ? `The server couldn't respond (${status}). Try again in a moment.` : undefined;
    fault(FAULTS[status] ?? server ?? `That didn't work (${status}). Reload the page and try again.`);
  };

  for (const event of ['responseError', 'sendError', 'timeout']) {
    on(`htmx:${event}`, ({ detail }) => failed(detail.xhr?.status ?? 0));
  }

  // Copying

  const putOnClipboard = async (value, button) => {
    try {
      await navigator.clipboard.writeText(value);
      return true;
    } catch {
      // No permission, or plain http. The field stands beside the button, because an open dialog keeps the focus in.
      const field = element('textarea', 'hidden', { value });
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
      fault("Your browser didn't allow copying. Select the text and copy it manually.");
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

  // Menus and the dialog

  const closeMenus = (except) => {
    for (const menu of all('details.menu[open]')) if (menu !== except) menu.open = false;
  };

  const openDialog = () => {
    const dialog = byId('dialog');
    if (!dialog || dialog.open) return;
    // Focus goes back to what had it, so it must not be an item of a menu that is closed by then.
    document.activeElement?.closest('details.menu')?.querySelector('summary').focus();
    closeMenus();
    dialog.showModal();
  };

  on('toggle', ({ target }) => { if (target.matches('details.menu[open]')) closeMenus(target); }, true);
  on('close', ({ target }) => { if (target.id === 'dialog') byId('dialog-body').replaceChildren(); }, true);

  on('keydown', (event) => {
    if (event.key === 'Escape') {
      event.target.closest('details.menu[open]')?.querySelector('summary').focus();
      closeMenus();
    }
    // The search over event types stands inside a form that it must not send.
    if (event.key === 'Enter' && event.target.matches('[data-filter]')) event.preventDefault();
  });

  // Secrets

  const showSecret = (shown) => {
    if (!byId('secret-shown')) return;
    if (!shown) byId('secret-shown').replaceChildren();
    byId('secret-masked').hidden = shown;
    document.querySelector(shown ? '[data-hide]' : '[data-reveal]')?.focus();
  };

  // The browser may keep a whole page for its Back button, and no secret may stay in it. Reloading on return would not
  // do: the answer to a POST would be asked for by a second POST, which makes a second key.
  addEventListener('pagehide', () => {
    showSecret(false);
    for (const secret of all('[data-secret]')) {
      secret.textContent = 'shown only once';
      secret.parentElement.querySelector('.copy')?.remove();
    }
  });

  // The choice of event types

  const rows = (box) => all('[data-group] li', box).map((row) => ({
    row,
    tick: row.querySelector('input'),
    group: row.closest('[data-group]'),
  }));

  const ticked = (types) => types.filter(({ tick }) => tick.checked).length;

  const showTypes = (box) => {
    const types = rows(box);
    const every = box.querySelector('[value="*"]')?.checked ?? false;
    const words = box.querySelector('[data-filter]').value.toLowerCase().split(/\s+/);
    for (const { row, tick, group } of types) {
      const text = `${group.querySelector('legend').textContent} ${row.textContent}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      tick.disabled = every;
    }
    const shown = types.filter(({ row }) => !row.hidden);
    for (const group of all('[data-group]', box)) {
      const here = shown.filter((type) => type.group === group);
      const count = ticked(here);
      group.hidden = here.length === 0;
      Object.assign(group.querySelector('[data-group-all]'), {
        checked: count > 0 && count === here.length,
        indeterminate: count > 0 && count < here.length,
        disabled: every,
      });
    }
    for (const button of all('[data-all], [data-none]', box)) button.disabled = every || shown.length === 0;
    box.querySelector('.groups').classList.toggle('off', every);
    const found = shown.length === types.length ? '' : `, ${shown.length || 'none'} found`;
    box.querySelector('[data-count]').textContent = every
      ? 'All events selected'
      : `${ticked(types)} of ${types.length} selected${found}`;
  };

  const tickShown = (box, checked, within) => {
    for (const { row, tick, group } of rows(box)) {
      if (!row.hidden && (!within || group === within)) tick.checked = checked;
    }
    showTypes(box);
  };

  on('input', ({ target }) => {
    const box = target.closest('[data-types]');
    if (!box) return;
    if (target.matches('[data-group-all]')) tickShown(box, target.checked, target.closest('[data-group]'));
    else showTypes(box);
  });

  // A form is sent once. htmx tells when one of its own is done; the others leave the page.

  const sending = new Map();

  const setBusy = (form, button) => {
    sending.set(form, button);
    button?.setAttribute('aria-busy', 'true');
  };

  const setIdle = (form) => {
    sending.get(form)?.removeAttribute('aria-busy');
    sending.delete(form);
  };

  on('submit', (event) => {
    if (!sending.has(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // What was typed into a long form must outlive a session that has ended and a server that cannot answer. Sent there,
  // it would be lost, so the page is asked for first.
  const ask = async (form) => {
    const page = await fetch(location.href).catch(() => undefined);
    page?.body?.cancel();
    const signIn = document.querySelector('meta[name="hookbell-sign-in"]').content;
    const ended = page && new URL(page.url).pathname === signIn;
    if (page?.ok && !ended) {
      form.submit();
      return;
    }
    setIdle(form);
    if (ended) fault('Your session has ended. Sign in again in another tab, then try again here.');
    else failed(page?.status ?? 0);
  };

  on('submit', (event) => {
    const { target, submitter, defaultPrevented } = event;
    if (defaultPrevented || target.method !== 'post') return;
    setBusy(target, submitter);
    if (target.matches('[data-ask]')) {
      event.preventDefault();
      clearFault();
      ask(target);
    }
    // Who stops a slow page keeps it, and must be able to send again.
    setTimeout(setIdle, 30000, target);
  });

  // An address that is shared says what is filtered by, and nothing of the rest.
  on('htmx:configRequest', ({ detail: { elt, formData } }) => {
    if (!elt.matches('.filters')) return;
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });

  on('htmx:beforeRequest', ({ detail: { elt, requestConfig } }) => {
    if (elt.matches('form[hx-post]')) setBusy(elt, requestConfig.triggeringEvent?.submitter);
  });

  on('htmx:afterRequest', ({ detail }) => {
    setIdle(detail.elt);
    if (detail.successful) clearFault();
  });

  addEventListener('pageshow', ({ persisted }) => { if (persisted) [...sending.keys()].forEach(setIdle); });

  on('click', (event) => {
    const hit = (selector) => event.target.closest(selector);
    const dialog = byId('dialog');
    closeMenus(hit('details.menu'));
    // The content fills the dialog to its edge, so a click on the dialog itself is one on the backdrop.
    if (dialog?.open && (event.target === dialog || hit('#dialog [data-close]'))) {
      event.preventDefault();
      dialog.close();
    }
    if (hit('.copy')) copy(hit('.copy'));
    if (hit('[data-hide]')) showSecret(false);
    if (hit('[data-all], [data-none]')) tickShown(hit('[data-types]'), Boolean(hit('[data-all]')));
  });

  // Content: when the page opens, and whenever htmx has put some in

  const local = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
  });

  const prepare = () => {
    for (const time of all('time[datetime]:not([data-local])')) {
      const at = new Date(time.dateTime);
      time.dataset.local = '';
      if (!Number.isNaN(at.getTime())) time.title = `${time.title || time.dateTime} · ${local.format(at)} local`;
    }
    all('[data-types]').forEach(showTypes);
  };

  // A poll must not close what somebody is reading.
  let opened = [];
  on('htmx:beforeSwap', ({ detail }) => { opened = all('details[id][open]', detail.target).map(({ id }) => id); });

  on('htmx:afterSwap', ({ detail: { target } }) => {
    for (const id of opened) byId(id)?.setAttribute('open', '');
    if (target.id === 'dialog-body') openDialog();
    if (target.id === 'secret-shown') showSecret(true);
    prepare();
  });

  // Who reloads or shares the page has not just done what it says.
  const forgetNotice = () => {
    const address = new URL(location.href);
    if (!address.searchParams.has('notice')) return;
    address.searchParams.delete('notice');
    history.replaceState(history.state, '', address);
  };

  const start = () => {
    if (!signInFromFragment()) goOn();
    forgetNotice();
    prepare();
  };

  addEventListener('hashchange', signInFromFragment);
  if (document.readyState === 'loading') on('DOMContentLoaded', start);
  else start();
})();
